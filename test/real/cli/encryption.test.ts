import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { serverRoot } from '../../servers/root.ts';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';
import { limit } from '../../support/vaults/vault.ts';
import { postgresPackages } from '../../servers/databases/postgres-packages.ts';

const execute = promisify(execFile);
const digest = 'select count(*)::int as rows, md5(string_agg(id || note, $$,$$ order by id)) as digest from orders';

let scene: CliScene;
/** Where the stock `age` and `age-keygen` are. */
let ageBin: string;
let plain: string;

beforeAll(async () => {
  scene = await cliScene();
  const root = await serverRoot({ name: 'age', suites: ['trixie'], packages: ['age'] }, () => {}, limit());
  ageBin = join(root.path, 'usr/bin');
  await execute(join(ageBin, 'age-keygen'), ['-o', join(scene.folder, 'identity.txt')]);
  await execute(join(ageBin, 'age-keygen'), ['-o', join(scene.folder, 'other.txt')]);
  plain = await readFile(join(scene.folder, 'nightjar.yaml'), 'utf8');
  await configure(await recipientOf('identity.txt'), 'identity.txt');
}, 20 * 60_000);
afterAll(() => scene.stop());

async function recipientOf(file: string): Promise<string> {
  return (await execute(join(ageBin, 'age-keygen'), ['-y', join(scene.folder, file)])).stdout.trim();
}

async function configure(recipient: string, identity?: string): Promise<void> {
  const opens = identity === undefined ? '' : `, identity: { file: ${identity} }`;
  const encryption = `defaults:\n  encryption: { recipients: [${recipient}]${opens} }\n`;
  await writeFile(join(scene.folder, 'nightjar.yaml'), `${encryption}${plain}`);
}

async function newest(): Promise<string> {
  const { document } = await scene.json(['list', 'shop']);
  return (document as unknown as { backups: { id: string }[] }).backups.at(-1)!.id;
}

test('a backup that is encrypted to a key of age-keygen is restored and proven with it', async () => {
  await scene.sql(
    'shop',
    `alter database shop set app.secret = 'CANARY-SETTING'; comment on database shop is 'CANARY-COMMENT'`,
  );
  expect(await scene.run(['backup', 'shop'])).toMatchObject({ code: 0, stderr: '' });

  expect(await scene.run(['restore', 'shop', '--to', 'copy'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('proven equal'),
  });
  expect(await scene.sql('copy', digest)).toEqual(await scene.sql('shop', digest));
  expect(await scene.run(['drill', 'shop'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('proven equal'),
  });
});

test('the stock age, zstd, pg_restore and psql alone restore it', async () => {
  const id = await newest();
  const folder = join(scene.folder, 'by-hand');
  await cp(join(scene.folder, 'backups/shop', id), folder, { recursive: true });
  const { restore } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as { restore: string[] };
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const layer = join(await dbToolsLayer(architecture, { rule: 'newer' }, () => {}, limit()), 'nightjar/bin');
  const client = await serverRoot(postgresPackages(18), () => {}, limit());
  const { host, port, user, password } = scene.server;

  await execute('bash', ['-c', restore.join('\n')], {
    cwd: folder,
    env: {
      PATH: [join(client.path, 'usr/lib/postgresql/18/bin'), ageBin, layer, '/usr/bin', '/bin'].join(':'),
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGPASSWORD: password,
      DB: 'hand',
      IDENTITY: join(scene.folder, 'identity.txt'),
    },
  });

  expect(await scene.sql('hand', digest)).toEqual(await scene.sql('shop', digest));
  expect(await scene.sql('hand', 'show app.secret')).toEqual([{ 'app.secret': 'CANARY-SETTING' }]);
  await expect(execute('grep', ['-rl', 'CANARY', join(scene.folder, 'backups')])).rejects.toMatchObject({ code: 1 });
});

test('whoever has no identity can verify, and restores nothing', async () => {
  await configure(await recipientOf('identity.txt'));

  expect(await scene.run(['verify', 'shop'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /intact: 4 parts, .* read again; encrypted, and not opened: no identity that is configured fits/,
    ),
  });
  const { code, stderr } = await scene.run(['restore', 'shop', '--to', 'never']);
  expect(code).not.toBe(0);
  expect(stderr).toContain('the backups of shop are encrypted, and no identity is configured');
  expect(stderr).toContain('sources.shop.encryption.identity');

  await configure(await recipientOf('identity.txt'), 'other.txt');
  expect((await scene.run(['restore', 'shop', '--to', 'never'])).stderr).toContain(
    'is encrypted, and no identity that is configured opens it',
  );
  expect(await scene.sql('postgres', `select datname from pg_database where datname = 'never'`)).toEqual([]);
});

test('a recipient with a slip of the pen is refused before anything is dumped, and an identity in its place is not shown', async () => {
  const right = await recipientOf('identity.txt');
  const before = await scene.objects();

  await configure(`${right.slice(0, -1)}${right.endsWith('q') ? 'p' : 'q'}`);
  const slip = await scene.run(['backup', 'shop']);
  const secret = (await readFile(join(scene.folder, 'identity.txt'), 'utf8')).split('\n').at(-2)!;
  await configure(secret);
  const swapped = await scene.run(['backup', 'shop']);

  expect(slip).toMatchObject({ code: 2, stderr: expect.stringContaining('encryption.recipients.0') });
  expect(swapped).toMatchObject({ code: 2, stderr: expect.stringContaining('a recipient of age') });
  expect(swapped.stderr).not.toContain(secret);
  expect((await scene.objects()).filter((path) => !before.includes(path) && !/\.outbox|failures/.test(path))).toEqual(
    [],
  );
});

test('a plain backup in the place of an encrypted one is refused by verify and drill, told by check, and passed over', async () => {
  await writeFile(join(scene.folder, 'nightjar.yaml'), plain);
  expect(await scene.run(['backup', 'shop'])).toMatchObject({ code: 0 });
  const id = await newest();
  await configure(await recipientOf('identity.txt'), 'identity.txt');

  for (const args of [['verify'], ['verify', id], ['drill', '--backup', id], ['restore', id, '--to', 'never']])
    expect(await scene.run([args[0]!, 'shop', ...args.slice(1)])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(`${id} of shop is not to be trusted: it is not encrypted, as backups since`),
    });
  expect(await scene.run(['check', 'shop'])).toMatchObject({
    code: 4,
    stdout: expect.stringMatching(new RegExp(`${id} is damaged: it is not\\s+encrypted`)),
  });
  expect(await scene.run(['restore', 'shop', '--to', 'older'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('proven equal'),
    stderr: expect.stringContaining(`passed over ${id}: it is not encrypted`),
  });
});
