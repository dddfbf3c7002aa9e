import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startRegistry } from '../../servers/images/registry.ts';
import type { RegistryServer } from '../../servers/images/registry.ts';
import { start } from '../../support/cli/command.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { pushImage } from '../../support/image/images.ts';
import { startLiar } from '../../support/image/liar.ts';
import type { Liar } from '../../support/image/liar.ts';
import { fetchDocument } from '../../support/image/pushing.ts';
import type { Described } from '../../support/image/pushing.ts';

let registry: RegistryServer;
/** Stands before the registry, and stops it at a moment. */
let gate: Liar;
let folder = '';
let top: Described;

beforeAll(async () => {
  registry = await startRegistry();
  gate = await startLiar(registry.url);
  folder = await mkdtemp(join(tmpdir(), 'nightjar-image-killed-'));
  const layers = Array.from({ length: 12 }, () => randomBytes(2_000_000));
  top = await pushImage({ url: registry.url, repository: 'shop/app' }, '1', { 'linux/amd64': layers });
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources:\n  app: { image: { ref: ${gate.host}/shop/app:1, scratch: ./scratch } }\n`,
  );
  expect((await nightjarInProcess(['backup', 'app'], { cwd: folder })).code).toBe(0);
}, 300_000);
afterAll(async () => {
  await gate.stop();
  await registry.stop();
  await rm(folder, { recursive: true });
});

/** Starts a command, and kills it once something is seen. */
async function killedAt(isSeen: () => boolean | Promise<boolean>, ...args: string[]): Promise<void> {
  const { kill, ended, said } = start(args, { cwd: folder });
  let isOver = false;
  void ended.then(() => (isOver = true));
  while (!(await isSeen()) && !isOver) await sleep(2);
  kill('SIGKILL');
  await ended;
  gate.lie = () => false;
  if (isOver && !(await isSeen())) throw new Error(`it ended before: ${said()}`);
}

test.each(['a third blob', 'the manifest', 'the tag'])(
  'killed when it pushes %s: no tag, and the next run gives it',
  async (what) => {
    const tag = what.replaceAll(' ', '-');
    const isIt = ({ method, path }: { method: string; path: string }): boolean => {
      if (what === 'the tag') return method === 'PUT' && path.endsWith(`/manifests/${tag}`);
      if (what === 'the manifest') return method === 'PUT' && path.includes('/manifests/sha256:');
      return method === 'PATCH' && gate.heard.filter((one) => one.method === 'PATCH').length === 3;
    };
    let isHeld = false;
    gate.heard.length = 0;
    gate.lie = (request) => (isHeld ||= isIt(request));
    // a repository of its own: nothing of it is there
    const repository = `shop/restored-${tag}`;
    const place = `${gate.host}/${repository}:${tag}`;

    await killedAt(() => isHeld, 'restore', 'app', '--to', place);
    const before = await fetchDocument({ url: registry.url, repository }, tag);
    const again = await nightjarInProcess(['restore', 'app', '--to', place], { cwd: folder });

    expect(before).toBeUndefined();
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('proven equal')]);
    expect((await fetchDocument({ url: registry.url, repository }, tag))!.digest).toBe(top.digest);
  },
);

test('killed while it writes a layout: no folder of that name, and the next run takes away what was left', async () => {
  const hidden = async () => (await readdir(folder)).filter((name) => name.startsWith('.layout.'));

  await killedAt(async () => (await hidden()).length > 0, 'restore', 'app', '--to', './layout');
  const [left, isThere] = [await hidden(), existsSync(join(folder, 'layout'))];
  const again = await nightjarInProcess(['restore', 'app', '--to', './layout'], { cwd: folder });

  expect([left.length, isThere]).toEqual([1, false]);
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('proven equal')]);
  expect(again.stdout + again.stderr).toContain('which a restore that died had left, was removed');
  expect(await hidden()).toEqual([]);
});

test('what a killed drill leaves is for nobody else to look into, and the next drill takes it away', async () => {
  const scratch = join(folder, 'scratch');
  await mkdir(scratch);

  await killedAt(async () => (await readdir(scratch)).length > 0, 'drill', 'app');
  const [left] = await readdir(scratch);
  const { mode } = await stat(join(scratch, left!));
  const again = await nightjarInProcess(['drill', 'app'], { cwd: folder });

  expect(mode & 0o777).toBe(0o700);
  expect([again.code, await readdir(scratch)]).toEqual([0, []]);
});
