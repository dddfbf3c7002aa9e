import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { storeBackup } from '../../support/vaults/stored.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { asPostgres, asRoot, at } from '../mistakes/support/servers.ts';
import { startProxy } from '../vaults/proxy.ts';
import type { ProxyOptions } from '../vaults/proxy.ts';
import { doctorScene } from './scene.ts';
import type { DoctorScene, Line } from './scene.ts';

const execute = promisify(execFile);
let scene: DoctorScene;

beforeAll(async () => {
  scene = await doctorScene();
}, 20 * 60_000);
beforeEach(() => rm(join(scene.folder, 'backups'), { recursive: true, force: true }));
afterAll(() => scene.stop());

/** What the doctor says of a configuration in which this is otherwise. */
async function examined(changed: Parameters<DoctorScene['configure']>[0], env = {}) {
  await scene.configure(changed);
  const { code, stdout, stderr } = await scene.run(['doctor', '--json'], env);
  expect(stderr).toBe('');
  const lines: Line[] = JSON.parse(stdout).results;
  for (const secret of ['hunter', scene.postgres.password, scene.store.secretAccessKey])
    expect(stdout).not.toContain(secret);
  return { code, lines, bad: lines.filter((one) => one.outcome === 'failed') };
}

const lineOf = (lines: Line[], about: string, what: string) =>
  lines.find((one) => one.about === about && one.what === what);

test('where all is well, all is fine but what a new vault has not yet, and nothing is left behind', async () => {
  const { code, lines } = await examined({});

  expect(code).toBe(0);
  expect(lines.filter(({ outcome }) => outcome !== 'fine').map(({ about, what }) => `${about} ${what}`)).toEqual([
    'vault listed',
    'vault offsite listed',
    'vault offsite overwritten',
    'source shop restore',
    'source blog restore',
  ]);
  expect(lineOf(lines, 'source shop', 'restore')).toMatchObject({ outcome: 'not tried' });
  expect(lineOf(lines, 'vault offsite', 'overwritten')).toMatchObject({
    remedy: expect.stringContaining('put-bucket-versioning'),
  });
  expect(await scene.keysIn('backups')).toEqual([]);
  expect(await readdir(join(scene.folder, 'backups'))).toEqual(['.nightjar']);
});

test('an owner that the newest backup names, and the server has no more, is told with what makes it', async () => {
  await asPostgres(scene.postgres, 'shop', 'create role clerk', 'alter table notes owner to clerk');
  await scene.configure({});
  expect(await scene.run(['backup', 'shop'])).toMatchObject({ code: 0 });
  await asAdmin('reassign owned by clerk to postgres', 'drop role clerk');

  const { code, lines } = await examined({});

  expect(code).toBe(0);
  expect(lineOf(lines, 'source shop', 'restore')).toMatchObject({
    outcome: 'warning',
    said: expect.stringContaining('clerk'),
    remedy: expect.stringContaining('CREATE ROLE'),
  });
});

test('a source that is drilled has to have the rights for it', async () => {
  await scene.configure({});
  expect(await scene.run(['backup', 'shop'])).toMatchObject({ code: 0 });
  await asAdmin('grant select on notes to reader');

  const { code, bad } = await examined({
    defaults: '{ drillEvery: 7d }',
    shop: `{ ${at(scene.postgres)}, user: reader, password: { env: WEAK }, database: shop }`,
  });
  await asAdmin('revoke select on notes from reader');

  expect(code).toBe(1);
  expect(bad).toMatchObject([
    { about: 'source shop', what: 'drill', code: 'privilege-missing', remedy: expect.stringContaining('CREATEDB') },
  ]);
});

test('definers that a user of MariaDB may not name in a restore are told with the right that it takes', async () => {
  const { mariadb } = scene;
  await asRoot(mariadb, 'create definer=root@localhost procedure blog.p() select 1');
  await asRoot(mariadb, "create user keeper@'%' identified by 'hunter2'; grant all on `blog%`.* to keeper@'%'");
  await scene.configure({});
  expect(await scene.run(['backup', 'blog'])).toMatchObject({ code: 0 });

  const { lines } = await examined({
    blog: scene.parts.blog.replace('user: root, password: { env: MY', 'user: keeper, password: { env: WEAK'),
  });
  await asRoot(mariadb, "drop procedure blog.p; drop user keeper@'%'");

  expect(lines.filter(({ about, what }) => about === 'source blog' && what === 'restore')).toContainEqual(
    expect.objectContaining({ outcome: 'warning', remedy: expect.stringContaining('GRANT SET USER ON *.* TO') }),
  );
});

test('the keys are tried on the newest backup, and a lost identity is told before it is needed', async () => {
  const made = async (kind: string, file: string): Promise<string> =>
    JSON.parse((await scene.run(['key', kind, file, '--json'])).stdout).public;
  const [ours, other] = [await made('identity', 'ours.txt'), await made('identity', 'other.txt')];
  const signing = `signing: { publicKeys: [${await made('signing', 'ours.pem')}], privateKey: { file: ours.pem } }`;
  const encryption = (rest: string) => `{ encryption: { recipients: [${ours}]${rest} }, ${signing} }`;
  const ofShop = (lines: Line[], what: string) => lineOf(lines, 'source shop', what);
  await scene.configure({ defaults: encryption(', identity: { file: ours.txt }') });
  expect(await scene.run(['backup', 'shop'])).toMatchObject({ code: 0 });

  const whole = await examined({ defaults: encryption(', identity: { file: ours.txt }') });
  expect(ofShop(whole.lines, 'keys')).toMatchObject({
    outcome: 'fine',
    said: expect.stringMatching(/the identity opens it, its signature is genuine, new ones can be signed here$/),
  });
  expect(ofShop(whole.lines, 'restore')).toMatchObject({ outcome: 'fine' });

  const lost = await examined({ defaults: encryption(', identity: { file: other.txt }') });
  expect(ofShop(lost.lines, 'keys')).toMatchObject({ outcome: 'failed', code: 'key-missing' });

  const elsewhere = await examined({ defaults: encryption('') });
  expect(elsewhere.code).toBe(0);
  expect(ofShop(elsewhere.lines, 'keys')).toMatchObject({ outcome: 'not tried' });
  expect(ofShop(elsewhere.lines, 'restore')).toBeUndefined();

  const forged = await examined({
    defaults: encryption(', identity: { file: ours.txt }').replace(
      /publicKeys: \[.*?\]/,
      `publicKeys: [${await made('signing', 'new.pem')}]`,
    ),
  });
  expect(forged.code).toBe(3);
  expect(ofShop(forged.lines, 'keys')).toMatchObject({ outcome: 'failed', code: 'manifest-unsigned' });
  expect(other).not.toBe(ours);
});

type Fault = [
  name: string,
  changed: () => Parameters<DoctorScene['configure']>[0],
  found: Partial<Line> & { said: string; remedy: string },
  env?: () => Promise<object> | object,
];

const faults: Fault[] = [
  [
    'a wrong password',
    () => ({ shop: scene.parts.shop.replace('env: PG', 'env: WRONG') }),
    {
      about: 'source shop',
      what: 'reachable',
      code: 'source-unreachable',
      said: 'password authentication failed',
      remedy: 'the password in the place that the configuration names',
    },
  ],
  [
    'a server without TLS',
    () => ({ shop: scene.parts.shop.replace(/}$/, ', tls: verify }') }),
    {
      about: 'source shop',
      what: 'reachable',
      code: 'source-unreachable',
      said: 'does not support SSL',
      remedy: 'this server offers no TLS',
    },
  ],
  [
    'a table that the role may not read',
    () => ({
      shop: scene.parts.shop.replace('user: postgres, password: { env: PG', 'user: reader, password: { env: WEAK'),
    }),
    {
      about: 'source shop',
      what: 'tables',
      code: 'privilege-missing',
      said: 'the role may not read public.notes',
      remedy: 'GRANT pg_read_all_data TO "reader";',
    },
  ],
  [
    'a MariaDB user without the rights that a dump takes',
    () => ({ blog: scene.parts.blog.replace('user: root, password: { env: MY', 'user: app, password: { env: WEAK') }),
    {
      about: 'source blog',
      what: 'tables',
      code: 'privilege-missing',
      said: 'TRIGGER on `blog`.*',
      remedy: 'GRANT SHOW VIEW, TRIGGER, EVENT',
    },
  ],
  [
    'a client that is older than the server',
    () => ({}),
    {
      about: 'source shop',
      what: 'client',
      code: 'tools-missing',
      said: 'no pg_dump for a server of version 18',
      remedy: 'nightjar layer update',
    },
    async () => ({ NIGHTJAR_TOOLS: await scene.olderLayer(18) }),
  ],
  [
    'a bucket that may not be written to',
    () => ({ offsite: scene.bucket('read-only', { as: 'OTHER_' }) }),
    { about: 'vault offsite', what: 'written', code: 'vault-denied', said: '403', remedy: 's3:PutObject' },
  ],
  [
    'a bucket without the right to tag',
    () => ({ offsite: scene.bucket('no-tags', { as: 'OTHER_' }) }),
    { about: 'vault offsite', what: 'tagged', code: 'vault-denied', said: '403', remedy: 's3:PutObjectTagging' },
  ],
  [
    'a copy that rotation could never rotate',
    () => ({
      defaults:
        '{ copies: [{ vault: offsite, retention: { count: 2 } }], schedule: "0 2 * * *", rotation: { maxShare: 30 } }',
    }),
    {
      about: 'source shop',
      what: 'retention',
      code: 'config-invalid',
      said: 'rotation of the vault offsite would be refused for ever',
      remedy: 'write rotation.maxShare: 34 or more',
    },
  ],
  [
    'a variable that is not set',
    () => ({ shop: scene.parts.shop.replace('env: PG', 'env: NOT_SET') }),
    {
      about: 'source shop',
      what: 'login',
      code: 'secret-missing',
      said: 'sources.shop.postgres.password',
      remedy: 'NOT_SET',
    },
  ],
];

test.each(faults.map((fault) => [fault[0], fault] as const))(
  '%s is named with its remedy, and nothing else is wrong',
  async (_, [, changed, found, env]) => {
    const { said, remedy, ...line } = found;

    // what is wrong with a source needs no store
    const alone = found.about === 'vault offsite' ? {} : { defaults: '{ schedule: "0 2 * * *" }' };
    const { code, bad } = await examined({ ...alone, ...changed() }, await env?.());

    expect(code).not.toBe(0);
    const of = bad.filter(({ about }) => found.what !== 'retention' || about === 'source shop');
    expect(of).toEqual([
      { ...line, outcome: 'failed', said: expect.stringContaining(said), remedy: expect.stringContaining(remedy) },
    ]);
  },
);

test('a vault whose secret is missing keeps nothing else from being looked at', async () => {
  const vault = scene.bucket('add-only').replace('env: KEY', 'env: NOT_SET');
  const { code, bad } = await examined({
    vault,
    defaults: '{ schedule: "0 2 * * *" }',
    shop: scene.parts.shop.replace('env: PG', 'env: NEITHER'),
  });

  expect(code).toBe(1);
  expect(bad).toMatchObject([
    { about: 'vault', what: 'written', said: expect.stringMatching(/^vault\.s3\.accessKeyId: .*NOT_SET/) },
    { about: 'source shop', what: 'login', said: expect.stringContaining('NEITHER') },
  ]);
});

test('what can only be tried once something is mended is said to be not tried', async () => {
  const { lines } = await examined({ shop: scene.parts.shop.replace('database: shop', 'database: shoop') });

  const untried = lines.filter(({ about, outcome }) => about === 'source shop' && outcome === 'not tried');
  expect(untried.map(({ about, what }) => `${about} ${what}`)).toEqual(
    ['tls', 'client', 'clock', 'standby', 'tables', 'backup', 'restore'].map((what) => `source shop ${what}`),
  );
});

test('a standby that may cancel a long backup is a warning', async () => {
  const { code, lines } = await examined({ shop: scene.parts.shop.replace(at(scene.postgres), at(scene.standby)) });

  expect(code).toBe(0);
  expect(lineOf(lines, 'source shop', 'standby')).toMatchObject({
    outcome: 'warning',
    remedy: expect.stringContaining('max_standby_streaming_delay'),
  });
});

test('rows that row-level security hides from the role are told', async () => {
  const { postgres } = scene;
  await asAdmin('grant pg_read_all_data to reader', 'alter table notes enable row level security');
  const { bad } = await examined({
    shop: `{ ${at(postgres)}, user: reader, password: { env: WEAK }, database: shop }`,
  });
  await asAdmin('revoke pg_read_all_data from reader', 'alter table notes disable row level security');

  expect(bad).toMatchObject([{ what: 'tables', remedy: expect.stringContaining('ALTER ROLE "reader" BYPASSRLS') }]);
});

test('credentials that may only add are as it should be, and each run writes over what the last one left', async () => {
  for (const _ of ['once', 'again']) {
    const { bad, lines } = await examined({ offsite: scene.bucket('add-only', { as: 'OTHER_' }) });

    expect(bad).toEqual([]);
    expect(lineOf(lines, 'vault offsite', 'removed')).toMatchObject({
      outcome: 'fine',
      said: expect.stringContaining('rotation needs other credentials'),
    });
    expect(lineOf(lines, 'vault offsite', 'uploads')).toMatchObject({ outcome: 'warning' });
    expect(await scene.keysIn('add-only')).toEqual(['.outbox/doctor.json']);
  }
});

test('a store that ignores conditions is told', async () => {
  const unheeded = (chunk: Buffer) =>
    Buffer.from(chunk.toString('latin1').replace(/if-none-match/i, 'x-not-heeded!'), 'latin1');

  const bad = await throughProxy({ up: unheeded });

  expect(bad).toMatchObject([
    { what: 'written', outcome: 'failed', said: expect.stringContaining('If-None-Match'), code: 'vault-failed' },
  ]);
});

test('a store whose clock is an hour off is told, and by how much', async () => {
  const shifted = (chunk: Buffer) =>
    Buffer.from(
      chunk
        .toString('latin1')
        .replace(/(?<=<LastModified>\d{4}-\d\d-\d\dT)\d\d/g, (hour) => `${(Number(hour) + 1) % 24}`.padStart(2, '0')),
      'latin1',
    );

  const warnings = await throughProxy({ down: shifted }, 'warning');

  expect(warnings.filter(({ what }) => what === 'clock')).toMatchObject([
    { said: expect.stringMatching(/^the clock of this machine is .* that of the vault$/), remedy: /NTP/ },
  ]);
});

test('a disk that has not the room for one more of each backup is told', async () => {
  const vault = folderVault(join(scene.folder, 'backups'));
  const id = await storeBackup(vault, 'shop', new Date('2026-11-20T02:00:00Z'));
  const part = join(scene.folder, 'backups/shop', id, 'data/0009.sql');
  await mkdir(dirname(part), { recursive: true });
  await writeFile(part, '');
  await truncate(part, 15e12); // as large as it looks, and takes no room

  const { bad } = await examined({});

  // nothing of it can be restored, either
  expect(bad.filter(({ about }) => about === 'vault')).toMatchObject([
    { what: 'space', code: 'vault-full', remedy: expect.stringContaining('retention') },
  ]);
});

test('a folder that may only be read is told', async () => {
  await mkdir(join(scene.folder, 'locked'), { mode: 0o555, recursive: true });
  await scene.configure({ vault: './locked/backups' });
  const launcher = join(import.meta.dirname, '../../../bin/nightjar');
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath];
  const [program, ...args] = process.getuid?.() === 0 ? ['setpriv', ...nobody] : [process.execPath];
  const { NODE_OPTIONS: _, ...own } = process.env;

  const ended = await execute(program!, [...args, launcher, 'doctor'], {
    cwd: scene.folder,
    env: { ...own, ...scene.env, NIGHTJAR_LAYER_NEWS: 'off' },
  }).catch((error: { code: number; stdout: string }) => error);

  expect(ended).toMatchObject({ code: 1 });
  const told = ended.stdout.replace(/\s+/g, ' ');
  expect(told).toMatch(/^vault failed written write \S+ EACCES/);
  expect(told).toContain('remedy: give the user that runs this the right to read and write there');
  expect(told).toContain('not tried listed, written once, replaced');
});

const asAdmin = (...statements: string[]) => asPostgres(scene.postgres, 'shop', ...statements);

/** What is wrong with the further vault, seen through something on the way to it. */
async function throughProxy(faulty: ProxyOptions, outcome = 'failed'): Promise<Line[]> {
  // moto: it asks for no signature of what is changed on the way
  const proxy = await startProxy(scene.lenient.endpoint, faulty);
  try {
    const { lines } = await examined({ offsite: scene.bucket('backups', { endpoint: proxy.endpoint }) });
    return lines.filter((one) => one.about === 'vault offsite' && one.outcome === outcome);
  } finally {
    await proxy.close();
  }
}
