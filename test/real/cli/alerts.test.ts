import { appendFile, chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { messageSchema } from '../../../core/contract/events/message.ts';
import type { Message } from '../../../core/contract/events/message.ts';
import { runEndedSchema } from '../../../core/contract/events/run-ended.ts';
import type { RunEnded } from '../../../core/contract/events/run-ended.ts';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';

let scene: CliScene;
let plain: string;
const notifyLines = 'notify:\n  - command: [./keep, told]\n';
const hookLines = 'hooks:\n  - command: [./keep, ended]\n';
/** Keeps what it is given in a file, a line for each call. */
const keep = '#!/bin/sh\ncat >> "$0.$1"\n';

beforeAll(async () => {
  scene = await cliScene();
  plain = await readFile(join(scene.folder, 'nightjar.yaml'), 'utf8');
  await writeFile(join(scene.folder, 'keep'), keep);
  await writeFile(join(scene.folder, 'broken'), '#!/bin/sh\necho "no route to pager" >&2\nexit 3\n');
  for (const name of ['keep', 'broken']) await chmod(join(scene.folder, name), 0o755);
}, 20 * 60_000);

afterEach(async () => {
  for (const name of ['keep.told', 'keep.ended']) await rm(join(scene.folder, name), { force: true });
});
afterAll(() => scene?.stop());

async function configure(lines: string, text = plain): Promise<void> {
  await writeFile(join(scene.folder, 'nightjar.yaml'), text);
  await appendFile(join(scene.folder, 'nightjar.yaml'), lines);
}

async function kept(name: string): Promise<unknown[]> {
  const text = await readFile(join(scene.folder, `keep.${name}`), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const told = async (): Promise<Message[]> => (await kept('told')).map((one) => messageSchema.parse(one));
const ended = async (): Promise<RunEnded[]> => (await kept('ended')).map((one) => runEndedSchema.parse(one));

test('every end of a run is an event, and nobody is alarmed by a good one', async () => {
  await configure(notifyLines + hookLines);

  const results = [
    await scene.run(['backup', 'shop']),
    await scene.run(['verify', 'shop']),
    await scene.run(['restore', 'shop', '--to', 'shop_alerts']),
  ];

  expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(await ended()).toMatchObject([
    { verb: 'backup', status: 'succeeded', source: 'shop', result: { source: 'shop', rows: 1000 } },
    { verb: 'verify', status: 'succeeded', source: 'shop' },
    { verb: 'restore', status: 'succeeded', source: 'shop', result: { database: 'shop_alerts', proven: true } },
  ]);
  expect(await told()).toEqual([]);
});

test('failures are told with what is left and what to run: of a backup, a restore and a verification', async () => {
  await configure('');
  await scene.run(['backup', 'shop']);
  await configure(notifyLines + hookLines, plain.replaceAll(`port: ${scene.server.port}`, 'port: 1'));
  const [part] = (await scene.objects()).filter((path) => path.includes('/data/')).slice(-1);
  await writeFile(join(scene.folder, 'backups', part!), 'damaged');

  const codes = [
    (await scene.run(['backup', 'shop'])).code,
    (await scene.run(['restore', 'shop'])).code,
    (await scene.run(['verify', 'shop'])).code,
  ];

  expect(codes).toEqual([1, 1, 3]);
  const messages = await told();
  expect(messages.map(({ kind, severity, source }) => [kind, severity, source])).toEqual(
    ['backup-failed', 'restore-failed', 'verify-failed'].map((kind) => [kind, 'problem', 'shop']),
  );
  expect(messages[0]!.facts.map(({ label }) => label)).toEqual(
    expect.arrayContaining(['Error', 'Vault', 'Newest good', 'Backups in the vault', 'Run']),
  );
  expect(messages[0]!.next).toEqual(['nightjar check shop', 'nightjar backup shop']);
  expect((await ended()).map(({ verb, status, error }) => [verb, status, error?.code])).toEqual([
    ['backup', 'failed', 'source-unreachable'],
    ['restore', 'failed', 'source-unreachable'],
    ['verify', 'failed', expect.stringMatching(/part-corrupt|object-missing/)],
  ]);
});

test('a slip at the keyboard alarms nobody', async () => {
  await configure(notifyLines);

  const { code } = await scene.run(['restore', 'shop', 'not-an-id']);

  expect(code).toBe(2);
  expect(await told()).toEqual([]);
});

test('a vault whose secret is missing is told, though nothing could begin', async () => {
  const s3 = 'vault: { s3: { bucket: b-b, accessKeyId: { env: NO_SUCH_ID }, secretAccessKey: { env: NO_SUCH_KEY } } }';
  await configure(notifyLines, plain.replace('vault: ./backups', s3));

  const { code, stderr } = await scene.run(['backup']);

  expect(code).toBe(1);
  expect(stderr).toContain('NO_SUCH_ID');
  expect(await told()).toMatchObject([
    { kind: 'backup-failed', facts: expect.arrayContaining([{ label: 'Vault', value: 's3://b-b' }]) },
  ]);
});

test('a configuration with a mistake is told by what is right in it', async () => {
  await configure(
    'notify:\n  - command: [./keep, told]\n  - slakc: { env: SLACK_URL }\n',
    plain.replace('database: shop', 'databse: shop'),
  );

  const { code, stderr } = await scene.run(['backup']);

  expect(code).toBe(2);
  expect(stderr).toContain('databse');
  expect(await told()).toMatchObject([{ kind: 'backup-failed', subject: 'the backup failed: config-invalid' }]);
});

test('a hook that fails is a failure of the run: the backup is stored, and said to be', async () => {
  await configure(`${notifyLines}hooks:\n  - command: [./broken]\n  - command: [./keep, ended]\n    on: [succeeded]\n`);

  const { code, document } = await scene.json(['backup', 'shop']);

  expect(code).toBe(1);
  expect(document).toMatchObject({
    ok: false,
    results: [
      {
        status: 'stored',
        source: 'shop',
        error: { code: 'hook-failed', message: expect.stringMatching(/failed with exit status \d+$/) },
      },
    ],
  });
  expect(await told()).toMatchObject([
    { kind: 'recovered', source: 'shop', subject: 'the backup succeeded again' },
    { kind: 'hook-failed', source: 'shop', subject: 'the backup succeeded, and then a hook failed' },
  ]);
  expect(await ended()).toHaveLength(1);
});

test('a notifier that fails keeps none of the others from being told, and they hear of it', async () => {
  await configure(
    'notify:\n  - command: [./broken]\n  - command: [./keep, told]\n  - slack: { env: NO_SUCH_URL }\n',
    plain.replaceAll(`port: ${scene.server.port}`, 'port: 1'),
  );

  const { code, stderr } = await scene.run(['backup', 'shop']);

  expect(code).toBe(1);
  expect(stderr).toContain('no route to pager');
  expect(stderr).toContain('NO_SUCH_URL');
  const [failed, notifier] = await told();
  expect(failed).toMatchObject({ kind: 'backup-failed' });
  expect(notifier).toMatchObject({
    kind: 'notifier-failed',
    facts: [{ label: 'command broken' }, { label: 'slack' }, { label: 'Not told' }],
  });
});

test('twelve sources whose server is gone are three messages, and none an hour later; and one all-clear when it is back; a notifier that was mended meanwhile hears nothing of what is over', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `s${String(index + 1).padStart(2, '0')}`);
  const text = (port: number) =>
    plain.replace(
      /  shop:[^]*/,
      names
        .map(
          (name) =>
            `  ${name}:\n${/    postgres: .*database: shop }/.exec(plain)![0].replace(/port: \d+/, `port: ${port}`)}\n`,
        )
        .join(''),
    );
  const two =
    'notify:\n  - command: [./keep, told]\n  - command: [./second]\nrunbook: https://wiki.example.com/runbook.md\n';
  await writeFile(join(scene.folder, 'second'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });
  await configure(two, text(1));

  const { code } = await scene.run(['backup']);
  const first = (await told()).map(({ severity, kind, subject }) => `${severity} ${kind}: ${subject}`);
  await scene.run(['backup']);
  const again = (await told()).slice(first.length);
  await writeFile(join(scene.folder, 'second'), '#!/bin/sh\ncat >> keep.second\n', { mode: 0o755 });
  await configure(two, text(scene.server.port));
  await scene.run(['backup']);

  expect(code).toBe(1);
  expect(first).toEqual([
    'problem backup-failed: the backup failed: source-unreachable',
    'problem notifier-failed: a notifier failed: somebody was not told',
    'problem backup-failed: 11 sources could not be backed up: source-unreachable, all on 127.0.0.1',
  ]);
  expect(again).toEqual([]);
  expect((await told()).slice(first.length).map(({ subject }) => subject)).toEqual([
    'the backup succeeded again',
    '11 sources are backed up again',
  ]);
  expect((await told())[0]).toMatchObject({ link: 'https://wiki.example.com/runbook.md#backup-failed' });
  // what is over, and never reached it, is not told there
  expect(await kept('second')).toEqual([]);
}, 120_000);

test('nightjar notify sends a test to everybody, and says who did not get it', async () => {
  await configure('notify:\n  - command: [./keep, told]\n  - command: [./broken]\n');

  const { code, stdout, stderr } = await scene.run(['notify']);

  expect(code).toBe(1);
  expect(stdout).toBe('command keep  told\n');
  expect(stderr).toContain('no route to pager');
  expect(await told()).toMatchObject([{ kind: 'test', severity: 'info' }]);
});

test('nightjar notify --digest tells everybody how everything stands, shows it, and says who did not get it', async () => {
  await configure('notify:\n  - command: [./keep, told]\n  - command: [./broken]\n');

  const { code, stdout, stderr } = await scene.run(['notify', '--digest']);

  expect(code).toBe(1);
  expect(stdout).toMatch(/^INFO digest: .*\nshop: [a-z-]+, .*\ncommand keep {2}told\n$/s);
  expect(stderr).toContain('no route to pager');
  expect(await told()).toMatchObject([{ kind: 'digest', severity: 'info' }]);
});

test('a restore that goes on exits with 5, lists what failed, is told as a failure with its list, and is on no record', async () => {
  await configure('');
  await scene.sql(
    'shop',
    `create table buyers (id int primary key); create table bills (buyer int); insert into bills values (7);
    alter table bills add constraint bills_buyer foreign key (buyer) references buyers not valid; update pg_constraint set convalidated = true where conname = 'bills_buyer'`,
  );
  await scene.run(['backup', 'shop']);
  await configure(notifyLines + hookLines);

  const shown = await scene.run(['restore', 'shop', '--to', 'shop_going', '--keep-going']);
  const { code, document } = await scene.json(['restore', 'shop', '--to', 'shop_gone', '--keep-going']);

  const statement =
    'ALTER TABLE ONLY public.bills ADD CONSTRAINT bills_buyer FOREIGN KEY (buyer) REFERENCES public.buyers(id);';
  expect(shown).toMatchObject({
    code: 5,
    stdout: expect.stringMatching(
      /^restored shop \S+ in .*, with 1 failure: not proven\nIt is in database shop_going\.\n {2}failed: FK CONSTRAINT bills bills_buyer\n {4}ERROR: {2}insert or update on table "bills" violates foreign key constraint "bills_buyer"\n {4}ALTER TABLE/,
    ),
  });
  expect({ code, document }).toMatchObject({
    code: 5,
    document: {
      ok: false,
      result: {
        database: 'shop_gone',
        proven: false,
        failures: [{ object: 'FK CONSTRAINT bills bills_buyer', statement }],
      },
    },
  });
  const [event] = await ended();
  expect(event).toMatchObject({
    verb: 'restore',
    status: 'failed',
    error: {
      code: 'restore-incomplete',
      message: expect.stringContaining('with 1 failure: FK CONSTRAINT bills bills_buyer: ERROR'),
    },
    result: { proven: false, failures: [{ statement }] },
  });
  const [message] = await told();
  expect(message).toMatchObject({
    kind: 'restore-failed',
    severity: 'problem',
    subject: 'restored, with failures: not proven',
  });
  expect(
    (await scene.objects()).filter((path) => /-restore-/.test(path) && path.includes(String(event!.result!['id']))),
  ).toEqual([]);
  expect(await scene.sql('shop_going', 'select buyer from bills')).toEqual([{ buyer: 7 }]);
});
