import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startRegistry } from '../../servers/images/registry.ts';
import type { RegistryServer } from '../../servers/images/registry.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { pushImage } from '../../support/image/images.ts';
import { startLiar } from '../../support/image/liar.ts';
import type { Liar } from '../../support/image/liar.ts';
import { fetchDocument } from '../../support/image/pushing.ts';
import type { Described } from '../../support/image/pushing.ts';

// what was under a tag before, and what the registry says of a tag that it was given

let registry: RegistryServer;
let liar: Liar;
let folder = '';
let top: Described;

beforeAll(async () => {
  registry = await startRegistry();
  liar = await startLiar(registry.url);
  folder = await mkdtemp(join(tmpdir(), 'nightjar-image-replaced-'));
  top = await push('1.2', 'the release');
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources:\n  app: { image: { ref: ${liar.host}/shop/app:1.2 } }\n`,
  );
  expect((await run('backup', 'app')).code).toBe(0);
}, 300_000);
afterAll(async () => {
  await liar.stop();
  await registry.stop();
  await rm(folder, { recursive: true });
});

const at = () => ({ url: registry.url, repository: 'shop/app' });
const push = (tag: string, ...layers: string[]) => pushImage(at(), tag, { 'linux/amd64': layers });
const digestAt = async (tag: string) => (await fetchDocument(at(), tag))?.digest;

async function run(...args: string[]) {
  const { code, stdout, stderr } = await nightjarInProcess(args, { cwd: folder });
  return { code, said: (stdout + stderr).replace(/\s+/g, ' ') };
}
const replace = (tag: string, ...more: string[]) => run('restore', 'app', '--to', tag, '--replace', '--yes', ...more);

async function keptName(tag: string): Promise<string> {
  const [id] = (await readdir(join(folder, 'backups/app'))).filter((name) => /^\d{8}T/.test(name));
  return `${tag}.before_${id}`;
}

test('what is kept under a tag stays kept: the next one that is replaced gets a name of its own', async () => {
  const first = await push('2.0', 'first');
  const kept = await keptName('2.0');

  const once = await replace('2.0');
  const second = await push('2.0', 'second');
  const twice = await replace('2.0');

  expect([once.code, twice.code]).toEqual([0, 0]);
  expect(once.said).toContain(`kept as ${kept} (`);
  expect(twice.said).toContain(`kept as ${kept}.2 (`);
  expect(await Promise.all(['2.0', kept, `${kept}.2`].map(digestAt))).toEqual([
    top.digest,
    first.digest,
    second.digest,
  ]);
});

test('one that is kept already is not kept twice', async () => {
  const kept = await keptName('2.1');

  for (const _ of [1, 2]) {
    await push('2.1', 'first');
    expect((await replace('2.1')).said).toContain(`kept as ${kept} (`);
  }

  expect(await digestAt(`${kept}.2`)).toBeUndefined();
});

test('where the tag names this very image, nothing is replaced, nothing is kept, and that is said', async () => {
  await push('2.2', 'the release');
  const kept = await keptName('2.2');

  const planned = await replace('2.2', '--plan');
  const { code, said } = await run('restore', 'app', '--to', '2.2', '--replace');

  expect([planned.code, planned.said]).toEqual([
    0,
    expect.stringContaining(`this very image, ${top.digest.slice(0, 19)}: nothing is replaced`),
  ]);
  expect([code, said]).toEqual([0, expect.stringContaining('named this very image before')]);
  expect(said).not.toMatch(/DROPPED|kept aside|is kept as/);
  expect([await digestAt('2.2'), await digestAt(kept)]).toEqual([top.digest, undefined]);
});

test.each([
  ['keeps none', '3.0', undefined],
  ['keeps another image under it', '3.1', 'another'],
])('a registry that says that it took the tag, and %s, has restored nothing', async (_, tag, other) => {
  if (other !== undefined) await push(tag, other);
  liar.lie = ({ method, path }, answer) => {
    if (method !== 'PUT' || !path.endsWith(`/manifests/${tag}`)) return false;
    answer.writeHead(201, { 'docker-content-digest': top.digest }).end();
    return true;
  };

  const { code, said } = await (other === undefined ? run('restore', 'app', '--to', tag) : replace(tag));
  liar.lie = () => false;

  expect(code).not.toBe(0);
  expect(said).toContain('not proven');
  expect(said).not.toContain('restored app');
  expect(await digestAt(tag)).not.toBe(top.digest);
});

test('a registry that keeps no tag for what is replaced replaces nothing', async () => {
  const before = await push('3.2', 'before');
  liar.lie = ({ method, path }, answer) => {
    if (method !== 'PUT' || !path.includes('/manifests/3.2.before_')) return false;
    answer.writeHead(201, { 'docker-content-digest': before.digest }).end();
    return true;
  };

  const { code, said } = await replace('3.2');
  liar.lie = () => false;

  expect([code === 0, said]).toEqual([false, expect.stringContaining('3.2 is as it was')]);
  expect(await digestAt('3.2')).toBe(before.digest);
});

test('--undo says how what is kept is put back', async () => {
  const { code, said } = await run('restore', 'app', '--to', '2.0', '--undo');

  const place = `docker://${liar.host}/shop/app:2.0`;
  expect(code).not.toBe(0);
  expect(said).toContain(`skopeo copy --all ${place}.before_<backup> ${place}`);
  expect(said).not.toContain('keeps nothing');
});

test('a folder that is there is not said to be dropped, for it is not replaced', async () => {
  await mkdir(join(folder, 'full/of/things'), { recursive: true });

  const planned = await replace('./full', '--plan');
  const { code, said } = await replace('./full');

  expect([planned.code === 0, code === 0]).toEqual([false, false]);
  for (const words of [planned.said, said]) {
    expect(words).not.toContain('DROPPED');
    expect(words).toContain('no folder is replaced by an image');
  }
  expect(await readdir(join(folder, 'full'))).toEqual(['of']);
});

test('a login that is typed into --to is told to nobody', async () => {
  for (const to of [`me:hunter/22@${registry.host}/shop/app:1`, `https://me:hunter/22@${registry.host}/shop/app:1`]) {
    const { code, said } = await run('restore', 'app', '--to', to);
    expect(code).not.toBe(0);
    expect(said).toContain('is no place for an image');
    expect(said).not.toMatch(/hunter|22@/);
  }
});
