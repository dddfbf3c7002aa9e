import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { messageSchema } from '../../../core/contract/events/message.ts';
import { naming } from '../../../core/domain/messages/commands.ts';
import { wrapped } from '../../../bin/cli/text/text.ts';
import { checkTable, findingLines } from '../../../bin/cli/text/check-table.ts';
import type { Checked } from '../../../core/commands/check/check.ts';
import { checkResultSchema } from '../../../core/contract/events/check.ts';
import { judge, unseen } from '../../../core/domain/watch/freshness.ts';
import type { Judgement } from '../../../core/domain/watch/freshness.ts';
import { newBackupId } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { expectGolden } from '../../support/golden.ts';
import { before, hourMs, seenOf, watching } from '../../support/vaults/seen.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';

const now = new Date('2026-11-20T12:00:00Z');
const execFileAsync = promisify(execFile);
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-check-'));
  await configure({ shop: '', blog: '' });
});
afterEach(() => rm(folder, { recursive: true }));

/**
 * Writes a configuration with these sources, whose servers nobody asks, and a notifier that keeps what it is told in a
 * file.
 */
async function configure(sources: Record<string, string>): Promise<void> {
  const lines = Object.entries(sources).map(
    ([name, keys]) => `  ${name}: { postgres: { host: db, database: shop, user: app }${keys} }\n`,
  );
  await writeFile(
    join(folder, 'listen'),
    '#!/bin/sh\ncat >> "$(dirname "$0")/told"; echo >> "$(dirname "$0")/told"\n',
    { mode: 0o755 },
  );
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nnotify: [{ command: [./listen] ` +
      `}]\nsources:${lines.length === 0 ? ' {}' : `\n${lines.join('')}`}`,
  );
}

const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });
const vault = () => folderVault(join(folder, 'backups'));
const told = async () =>
  (await readFile(join(folder, 'told'), 'utf8').catch(() => ''))
    .split('\n')
    .flatMap((text) => (text === '' ? [] : [(JSON.parse(text) as { kind: string }).kind]));

function named(name: string, judgement: Judgement): Judgement {
  return { ...judgement, standing: { ...judgement.standing, source: name as SourceName } };
}

test('the table and what was found fit 80 columns, whatever is the matter', async () => {
  const hours = (...ages: number[]) => ages.map((age) => ({ start: before(now, age * hourMs), ms: 190_000 }));
  const proof = { kind: 'drill', outcome: 'passed', at: before(now, hourMs) } as const;
  const daily = hours(74, 50, 26, 2);
  const seen: Checked = {
    at: now,
    place: '/srv/backups',
    whole: true,
    judgements: [
      named(
        'shop',
        judge(watching({ drillEveryMs: 720 * hourMs }), seenOf(daily.map((one) => ({ ...one, proofs: [proof] }))), now),
      ),
      named('billing', judge(watching(), seenOf(daily, [before(now, hourMs)]), now)),
      named(
        'blog',
        judge(
          watching({ drillEveryMs: 720 * hourMs }),
          seenOf(hours(98, 74, 50), [before(now, 26 * hourMs), before(now, 2 * hourMs)]),
          now,
        ),
      ),
      named(
        'a source with a long name, in words',
        judge(
          watching({ limit: { schedule: '0 2 * * 0' } }),
          seenOf([...hours(50, 26), { start: before(now, 2 * hourMs), rows: 12, bytes: 900 }]),
          now,
        ),
      ),
      named('new', judge(watching(), seenOf([]), now)),
      named(
        'future',
        judge(watching(), seenOf([...hours(3), { start: before(now, -9000 * hourMs) }], [], { at: now }), now),
      ),
      named(
        'forbidden',
        unseen(
          watching(),
          {
            why: 's3://backups/forbidden/20261120T020000Z-7f3a9c/manifest.json: access denied (vault-denied)',
            hint: 'let the role read: s3:GetObject on the objects of the vault',
          },
          now,
        ),
      ),
      named('archive', judge(watching({ paused: { until: '2027-01-01' } }), seenOf(hours(2000)), now)),
    ],
    unconfigured: [
      { source: 'old-shop' as SourceName, newest: newBackupId(before(now, 900 * hourMs), 0), count: 1234, old: true },
    ],
    told: [],
    failures: [],
    forgotten: [],
  };

  const lines = [...checkTable(seen), ...findingLines(seen)];

  // a command is broken nowhere
  expect(lines.filter((line) => line.length > 80 && !/^ {4}nightjar /.test(line))).toEqual([]);
  await expectGolden('check/table.txt', `${lines.join('\n')}\n`);
});

test('databases that went from their server together are told once, with what ends that', () => {
  const since = before(now, 48 * hourMs);
  const gone = (name: string, ...ages: number[]): Judgement => {
    const own = { ...watching(), gone: { server: 'main' as SourceName, database: name, since } };
    return named(`main.${name}`, judge(own, seenOf(ages.map((age) => ({ start: before(now, age * hourMs) }))), now));
  };
  const there = named('main.left', judge(watching(), seenOf([{ start: before(now, hourMs) }]), now));
  const findings = (...judgements: Judgement[]) =>
    findingLines({
      at: now,
      place: 'p',
      whole: true,
      judgements,
      unconfigured: [],
      told: [],
      failures: [],
      forgotten: [],
    });

  const lost = findings(gone('a b', 50), gone('shop', 50, 74), gone('fresh'), there);
  const one = findings(gone('shop', 50), there, { ...there });

  expect(lost).toEqual([
    '',
    'main: 3 databases are gone from the server since 2026-11-18 12:00 UTC, and',
    '  missed: a b, shop, fresh (no backup)',
    '  hint: if that is meant, write exclude: ["a b", shop, fresh] at sources.main',
    '  run: nightjar restore main',
  ]);
  expect(one.at(-1)).toBe('  run: nightjar restore main.shop');
  expect(lost.concat(one).join('\n')).not.toContain('nightjar backup');
});

test('a vault that can’t be read is told in words, once for all sources', async () => {
  const why = {
    why: 's3://backups: connect ECONNREFUSED 127.0.0.1:9000, after 5 attempts in 12 s (vault-unreachable)',
    hint: 'is the endpoint right, and the network up?',
  };
  const seen: Checked = {
    at: now,
    place: 's3://backups',
    whole: true,
    judgements: ['shop', 'blog'].map((name) => named(name, unseen(watching(), why, now))),
    unconfigured: [],
    vault: why,
    told: [],
    failures: [],
    forgotten: [],
  };

  const lines = [...checkTable(seen), ...findingLines(seen)];

  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  await expectGolden('check/unreachable.txt', `${lines.join('\n')}\n`);
});

test('fresh exits 0, found exits 4, and what was found is told once', async () => {
  await storeBackup(vault(), 'shop', new Date());
  const found = await run('check');
  const again = await run('check');
  await storeBackup(vault(), 'blog', new Date());
  const fresh = await run('check');

  expect([found, again, fresh].map(({ code, stderr }) => ({ code, stderr }))).toEqual([
    { code: 4, stderr: '' },
    { code: 4, stderr: '' },
    { code: 0, stderr: '' },
  ]);
  expect(found.stdout).toContain('blog: never: there has never been a backup\n  run: nightjar backup blog\n');
  expect(fresh.stdout.split('\n')).toHaveLength(4);
  expect(await told()).toEqual(['never', 'recovered']);
});

test('a backup that is dated 2100 has no age: it is of the future', async () => {
  await storeBackup(vault(), 'shop', before(new Date(), hourMs));
  for (const source of ['shop', 'left']) await storeBackup(vault(), source, new Date('2100-01-01T02:00:00Z'));
  // clocks may differ by minutes
  await storeBackup(vault(), 'blog', new Date(Date.now() + 60_000));

  const list = (await run('list')).stdout;
  const table = (await run('check')).stdout;

  expect(list).toMatch(/^21000101T020000Z-\w+ +future /m);
  expect(list.split('blog: ')[1]).toMatch(/Z-\w+ +\d\d [A-Z][a-z]{2} \d\d:\d\d /);
  expect(table).toMatch(/^left +unconfigured +future /m);
});

test('--no-tell only looks, and one source can be looked at alone', async () => {
  await storeBackup(vault(), 'shop', new Date());

  const [all, one] = [await run('check', '--no-tell'), await run('check', 'shop', '--no-tell')];

  expect([all.code, one.code]).toEqual([4, 0]);
  expect(await told()).toEqual([]);
  expect(await readdir(join(folder, 'backups'))).not.toContain('.outbox');
});

test('a vault that is not there, an empty configuration, a removed source and a pause are told apart', async () => {
  const unreachable = await run('check', '--json');
  await storeBackup(vault(), 'shop', before(new Date(), 30 * hourMs));
  await configure({ shop: ', paused: true' });
  const paused = await run('check', '--json');
  await configure({ blog: '' });
  const removed = await run('check', '--json');
  await run('check');
  await configure({});
  const empty = await run('check', '--json');

  const documents = [unreachable, paused, removed].map(({ stdout }) => {
    const { ok, ...result } = JSON.parse(stdout) as { ok: boolean };
    return { ok, ...checkResultSchema.parse(result) };
  });
  expect([unreachable, paused, removed, empty].map(({ code, stderr }) => [code, stderr])).toEqual([
    [4, ''],
    [0, ''],
    [4, ''],
    [2, ''],
  ]);
  expect(documents).toMatchObject([
    {
      ok: false,
      status: 'problems',
      vault: { error: expect.stringContaining('(vault-unreachable)') },
      sources: [{ state: 'unknown' }, { state: 'unknown' }],
    },
    { ok: true, status: 'fresh', sources: [{ source: 'shop', state: 'paused' }], unconfigured: [] },
    { ok: false, sources: [{ source: 'blog', state: 'never' }], unconfigured: [{ source: 'shop', backups: 1 }] },
  ]);
  expect(JSON.parse(empty.stdout)).toMatchObject({
    ok: false,
    error: { code: 'config-invalid', message: expect.stringContaining('sources: names no source') },
  });
  expect(await told()).toEqual(['unknown', 'paused', 'never', 'unconfigured', 'check-failed']);
});

test('every command that is suggested names the configuration that was named, can be copied, and does what it says', async () => {
  const file = 'o"ther c\'onf.yaml';
  const source = 'a source with a name, as long as some are: every 14 days in the archive';
  await configure({ shop: '', [JSON.stringify(source)]: '' });
  const text = await readFile(join(folder, 'nightjar.yaml'), 'utf8');
  await writeFile(join(folder, file), text.replace('[./listen]', '[./keep]'));
  await rm(join(folder, 'nightjar.yaml'));
  await writeFile(join(folder, 'keep'), `#!/bin/sh\ncat >> ${folder}/told; echo >> ${folder}/told\n`, { mode: 0o755 });
  await mkdir(join(folder, 'backups'));
  await storeBackup(vault(), source, before(new Date(), 30 * hourMs));
  await storeBackup(vault(), 'shop', before(new Date(), hourMs));

  const { stdout } = await run('-c', file, 'check');
  const failed = await run('-c', file, 'restore', source, '20261120T020000Z-7f3a9c');
  const json = await run('-c', file, 'restore', source, '20261120T020000Z-7f3a9c', '--json');
  const messages = (await readFile(join(folder, 'told'), 'utf8'))
    .trim()
    .split(/\n+/)
    .map((line) => messageSchema.parse(JSON.parse(line)));

  const lines = stdout.split('\n');
  const shown = lines.filter((line) => line.includes('nightjar'));
  expect(lines.filter((line) => line.length > 80 && !/^ {4}nightjar /.test(line))).toEqual([]);
  expect(shown).toHaveLength(2);
  const hints = [failed.stderr, (JSON.parse(json.stdout) as { error: { hint: string } }).error.hint].map(
    (hint) => /nightjar -c .* list .*/.exec(hint)![0],
  );
  const all = [
    ...shown.map((line) => line.replace(/^ +(run: )?/, '')),
    ...messages.flatMap(({ next }) => next),
    ...hints,
  ];
  expect(all.length).toBeGreaterThanOrEqual(7);
  for (const command of all) {
    // as a shell reads it, in any folder where the file is named whole
    const { stdout: words } = await execFileAsync('sh', ['-c', `nightjar() { printf '%s\\n' "$@"; }; ${command}`]);
    const [option, named, verb, name] = words.trimEnd().split('\n');
    expect([option, named!.split('/').at(-1), name]).toEqual(['-c', file, source]);
    expect(['check', 'list', 'backup', 'restore']).toContain(verb);
  }
  expect(messages.flatMap(({ next }) => next).every((command) => command.includes(`${folder}/`))).toBe(true);
});

test('in a terminal a command is broken nowhere, and one that is longer than its line has one of its own', () => {
  const command = `nightjar -c '/etc/nightjar/a b; c.yaml' restore 'a shop, and more' 20261120T020000Z-7f3a9c --to 'shop (2)'`;
  const text =
    `  hint: see what there is: nightjar list shop; to restore it all the same: ${command} (in an event it is ` +
    '"backup")';

  expect(wrapped(text, 80, '', '        ')).toEqual([
    '  hint: see what there is: nightjar list shop; to restore it all the same:',
    `        ${command}`,
    '        (in an event it is "backup")',
  ]);
  expect(wrapped(`  hint: ${command}`, 80, '', '        ')).toEqual(['  hint:', `        ${command}`]);
  expect(
    wrapped('error: the lease of shop is held by another: see nightjar verify shop --all', 70, '', '       '),
  ).toEqual(['error: the lease of shop is held by another: see', '       nightjar verify shop --all']);
  const named = naming('./other.yaml');
  expect(
    ['nightjar list shop', "see nightjar.yaml, nightjar, nightjar's, bin/nightjar list", named('nightjar notify')].map(
      named,
    ),
  ).toEqual([
    'nightjar -c ./other.yaml list shop',
    "see nightjar.yaml, nightjar, nightjar's, bin/nightjar list",
    'nightjar -c ./other.yaml notify',
  ]);
});

test('in a further vault, suggested commands name it, and backups come there by copying', () => {
  const named = naming('./other.yaml', 'offsite');
  const texts = [
    'nightjar list shop; or nightjar unlock shop',
    'take one: nightjar backup shop',
    "nightjar restore 'my shop' --to x --vault nas, then nightjar check",
    'nightjar listing',
  ];
  expect(texts.map(named)).toEqual([
    'nightjar -c ./other.yaml list --vault offsite shop; or nightjar -c ./other.yaml unlock --vault offsite shop',
    'take one: nightjar -c ./other.yaml copy shop',
    "nightjar -c ./other.yaml restore 'my shop' --to x --vault nas, then nightjar -c ./other.yaml check",
    'nightjar listing',
  ]);
  expect(texts.map(named).map(named)).toEqual(texts.map(named));
});

test('a configuration that can’t be used is told once by many checks and backups, and once more when it can, whoever else can’t be told', async () => {
  const [bin, file] = [join(folder, 'bin'), join(folder, 'nightjar.yaml')];
  await mkdir(join(folder, 'backups'));
  await storeBackup(vault(), 'shop', before(new Date(), hourMs));
  await storeBackup(vault(), 'blog', before(new Date(), hourMs));
  await writeFile(bin, '#!/bin/sh\nexit 7\n', { mode: 0o755 });
  const good = (await readFile(file, 'utf8')).replace(
    '[{ command: [./listen] }]',
    '[{ command: [./listen] }, { command: [./bin] }]',
  );
  await writeFile(file, `bogus: 1\n${good}`);

  const codes = [];
  for (const verb of ['check', 'check', 'backup', 'check', 'backup']) codes.push((await run(verb)).code);
  const { stderr } = await run('check');
  const broken = (await told()).splice(0);
  await writeFile(file, good.replace(', { command: [./bin] }', ''));
  for (const verb of ['check', 'check']) codes.push((await run(verb)).code);

  // with what could not be told, it lists line by line what it lists alone
  expect(stderr).toMatch(/^error: nightjar.yaml has 1 problem:\n {2}bogus: [^\n]*\nbin [^\n]*\n/);
  expect(codes.slice(-2)).toEqual([0, 0]);
  expect(broken).toEqual(['check-failed', 'notifier-failed', 'backup-failed']);
  expect((await told()).slice(broken.length)).toEqual(['recovered']);
});

test('a check that can’t tell exits 1, and says what it has seen and who was not told', async () => {
  await mkdir(join(folder, 'backups'));
  await storeBackup(vault(), 'shop', before(new Date(), 30 * hourMs));
  await writeFile(join(folder, 'listen'), '#!/bin/sh\nexit 7\n', { mode: 0o755 });

  const { code, stdout, stderr } = await run('check', 'shop');

  expect(code).toBe(1);
  expect(stdout).toContain('shop: stale: the newest backup is 30 h old');
  expect(stderr).toMatch(/^error: .*listen/);
});

test('museum: what a command prints that fails is shown here, and told to nobody else', async () => {
  const leak = '#!/bin/sh\ncat > /dev/null\necho "+ curl -H \'Authorization: Bearer sk-live-1\'" >&2\nexit 22\n';
  await writeFile(join(folder, 'leak'), leak, { mode: 0o755 });
  const config = (await readFile(join(folder, 'nightjar.yaml'), 'utf8')).replace('[{', '[{ command: [./leak] }, {');
  await writeFile(join(folder, 'nightjar.yaml'), config);

  const { stderr } = await run('check');
  await run('check');

  expect(stderr).toContain("leak: + curl -H 'Authorization: Bearer sk-live-1'");
  expect(await told()).toEqual(expect.arrayContaining(['notifier-failed']));
  expect(await readFile(join(folder, 'told'), 'utf8')).not.toContain('sk-live-1');
  expect(await readFile(join(folder, 'told'), 'utf8')).toContain('leak failed with exit status 22');
});

test('a heartbeat hears of a check that found something, and of one that could tell nobody', async () => {
  const outside = await startEndpoint(() => ({ status: 200 }));
  const configuration = join(folder, 'nightjar.yaml');
  const text = `hooks: [{ heartbeat: { file: ping.txt } }]\n${await readFile(configuration, 'utf8')}`;
  await writeFile(join(folder, 'ping.txt'), `${outside.url}/ping/shop\n`);

  await writeFile(configuration, text);
  const first = await run('check');
  await writeFile(configuration, text.replace('[./listen]', '[./gone]'));
  const second = await run('check');
  await outside.stop();

  expect([first.code, second.code]).toEqual([4, 1]);
  expect(outside.accepted.map(({ path }) => path)).toEqual(['/ping/shop', '/ping/shop/fail']);
});
