import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startRegistry } from '../../servers/images/registry.ts';
import type { RegistryServer } from '../../servers/images/registry.ts';
import { openSkopeo } from '../../servers/images/skopeo.ts';
import type { Skopeo } from '../../servers/images/skopeo.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { pushImage } from '../../support/image/images.ts';
import { sha256Of } from '../../support/image/pushing.ts';
import type { Described } from '../../support/image/pushing.ts';

let plain: RegistryServer;
let secure: RegistryServer;
let guarded: RegistryServer;
let skopeo: Skopeo;
let folder = '';
let top: Described;

beforeAll(async () => {
  [plain, secure, guarded, skopeo] = await Promise.all([
    startRegistry(),
    startRegistry({ tls: true }),
    startRegistry({ tokens: true }),
    openSkopeo(),
  ]);
  folder = await mkdtemp(join(tmpdir(), 'nightjar-image-secured-'));
  await mkdir(join(folder, 'authorities'));
  for (const name of ['authority.pem', 'authorities/ca.crt']) await copyFile(secure.caFile!, join(folder, name));
  await writeFile(join(folder, 'password'), guarded.login.password);
  const layers = Array.from({ length: 20 }, (_, index) => `layer ${index}`);
  top = await pushImage({ url: plain.url, repository: 'shop/app' }, '1', { 'linux/amd64': layers });
  const password = 'password: { file: password }';
  await writeFile(
    join(folder, 'nightjar.yaml'),
    [
      'vault: ./backups',
      'sources:',
      `  plain: { image: { ref: ${plain.host}/shop/app:1 } }`,
      `  secure: { image: { ref: ${secure.host}/shop/app:1, tls: { ca: ./authority.pem } } }`,
      `  trusting: { image: { ref: ${secure.host}/shop/app:1, tls: verify } }`,
      `  careless: { image: { ref: ${secure.host}/shop/app:1 } }`,
      `  guarded: { image: { ref: ${guarded.host}/shop/app:1, username: nightjar, ${password} } }`,
      `  reader: { image: { ref: ${guarded.host}/shop/app:1, username: reader, ${password} } }`,
    ].join('\n'),
  );
  await run('backup', 'plain');
}, 300_000);
afterAll(async () => {
  await Promise.all([plain.stop(), secure.stop(), guarded.stop(), skopeo.remove()]);
  await rm(folder, { recursive: true });
});

async function run(...args: string[]): Promise<string> {
  const ended = await nightjarInProcess(args, { cwd: folder });
  expect([args, ended.code, ended.code === 0 || ended.stderr]).toEqual([args, 0, true]);
  return ended.stdout + ended.stderr;
}

async function refused(...args: string[]): Promise<string> {
  const ended = await nightjarInProcess(args, { cwd: folder });
  expect([args, ended.code]).not.toEqual([args, 0]);
  return (ended.stderr + ended.stdout).replace(/\s+/g, ' ');
}

test('a registry whose authority is named is spoken to over TLS, from another one’s backup to a drill', async () => {
  await run('restore', 'plain', '--server', 'secure', '--to', '1');

  const raw = await skopeo.run(
    'inspect',
    '--raw',
    '--cert-dir',
    join(folder, 'authorities'),
    `docker://${secure.host}/shop/app:1`,
  );
  expect(sha256Of(raw)).toBe(top.digest);
  await run('backup', 'secure');
  expect(await run('drill', 'secure')).toContain('proven equal: 1 platform, 20 layers');
  expect(await run('doctor', 'secure')).toContain(top.digest.slice(0, 19));
});

test('one whose authority is unknown is refused, and so is one that is spoken to in plain', async () => {
  expect(await refused('backup', 'trusting')).toContain('tls: { ca: ./authority.pem } names the authority');
  expect(await refused('backup', 'careless')).toMatch(/400|TLS/);
});

test('a registry that wants tokens gets them: one for reading, one for writing', async () => {
  await run('restore', 'plain', '--server', 'guarded', '--to', '1');
  const forWriting = [...guarded.tokens];
  await run('backup', 'guarded');

  expect(new Set(forWriting)).toEqual(
    new Set(['nightjar repository:shop/app:pull', 'nightjar repository:shop/app:pull,push']),
  );
  expect(new Set(guarded.tokens.slice(forWriting.length))).toEqual(new Set(['nightjar repository:shop/app:pull']));
});

test('who may only pull can back up, and is told that a push takes more', async () => {
  await run('restore', 'plain', '--server', 'guarded', '--to', 'again');
  await run('backup', 'reader');

  const said = await refused('restore', 'plain', '--server', 'reader', '--to', 'mine');

  expect(said).toMatch(/refuses the login of reader|right to push/);
  expect(said).not.toContain(guarded.login.password);
});
