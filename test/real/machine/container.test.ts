import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { assembleContainer } from '../../../bin/container/assemble.ts';
import { temporaryFolder } from '../../servers/folder.ts';
import type { TemporaryFolder } from '../../servers/folder.ts';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';
import { buildImage } from '../../support/container/build.ts';
import type { Image } from '../../support/container/build.ts';
import { runImage } from '../../support/container/run.ts';
import { bash, seenByStock } from '../../support/files/stock.ts';
import { packed } from '../../support/packed.ts';
import { nativeArchitecture, openLayer } from '../layer/native-layer.ts';

// The image, built by Buildah from the Dockerfile, and run as a container is: read-only, by its own user, as process 1.

let scene: CliScene;
let folder: TemporaryFolder;
let image: Image;
let bytes = 0;
const at = (name: string) => join(folder.path, 'mounted', name);

beforeAll(async () => {
  const signal = AbortSignal.timeout(15 * 60_000);
  folder = await temporaryFolder('container');
  await bash('chmod 755 .', folder.path);
  const [made, { folder: layer }, tarball] = await Promise.all([
    cliScene(),
    openLayer(nativeArchitecture),
    packed(signal),
  ]);
  scene = made;
  const out = join(folder.path, 'context');
  bytes = await assembleContainer({ architecture: nativeArchitecture, layer, tarball, out }, () => {}, signal);
  image = await buildImage(out, folder.path, signal);
  await rm(out, { recursive: true });
  await mkdir(at(''));
  await prepare();
}, 20 * 60_000);
afterAll(async () => {
  await scene.stop();
  await folder.remove();
});

/** What a person mounts: the configuration, a password in a file, a folder, a database of SQLite. */
async function prepare(): Promise<void> {
  const { host, port, user, password } = scene.server;
  await writeFile(at('password'), password);
  const lines = [
    'vault: ./backups',
    'sources:',
    `  shop: { postgres: { host: ${host}, port: ${port}, user: ${user}, database: shop, password: { file: password } } }`,
    `  roles: { postgresGlobals: { host: ${host}, port: ${port}, user: ${user}, password: { file: password } } }`,
    '  media: { files: { path: ./media } }',
    '  app: { sqlite: { path: ./app.db } }',
  ];
  await writeFile(at('nightjar.yaml'), `${lines.join('\n')}\n`);
  await bash('mkdir media; printf a > media/a.txt; ln -s a.txt media/link', at(''));
  const app = new DatabaseSync(at('app.db'));
  app.exec('create table orders(id); insert into orders values (1), (2)');
  app.close();
  await bash('chown -hR 65532:65532 .', at(''));
}

const run = (...args: string[]) => runImage(image, at(''), args);

test('it says its version, and is what docs/container.md says of its user, its size and its programs', async () => {
  expect(await run('--version')).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });

  expect(image).toMatchObject({ user: '65532:65532', workingDir: '/nightjar' });
  const text = await readFile(join(import.meta.dirname, '../../../docs/container.md'), 'utf8');
  const said = Number(/\((\d+) MB unpacked/.exec(text)?.[1]);
  expect(Math.abs(bytes / 1e6 - said)).toBeLessThan(25);
  expect((await readdir(join(image.rootfs, 'usr/bin'))).toSorted()).toEqual(['node', 'sh', 'sync']);
  expect(await bash('find . -perm /6000 -o -type f -perm /0022 | head', image.rootfs)).toBe('');
});

test('databases, roles and a folder are backed up and restored by it, and proven', async () => {
  const made = await run('backup');
  expect([made.code, made.stdout.split('\n').filter(Boolean).length]).toEqual([0, 4]);

  const restored = [
    await run('restore', 'shop', '--to', 'shop_back'),
    await run('restore', 'media', '--to', './back'),
    await run('restore', 'app', '--to', './back.db'),
  ];

  expect(restored.map(({ code, stderr }) => [code, code === 0 || stderr])).toEqual(Array(3).fill([0, true]));
  for (const { stdout } of restored) expect(stdout).toContain('proven equal');
  expect(await scene.sql('shop_back', 'select count(*)::int, max(note) from orders')).toEqual(
    await scene.sql('shop', 'select count(*)::int, max(note) from orders'),
  );
  expect(await seenByStock(at('back'))).toEqual(await seenByStock(at('media')));
  expect((await run('verify', 'roles')).code).toBe(0);
});

test('nothing but what is mounted can be written, and a failure says what to do', async () => {
  await writeFile(at('other.yaml'), 'vault: /elsewhere\nsources: { app: { sqlite: { path: app.db } } }\n');

  const { code, stderr } = await run('-c', 'other.yaml', 'backup');

  expect(code).not.toBe(0);
  expect(stderr).toMatch(/\/elsewhere/);
});
