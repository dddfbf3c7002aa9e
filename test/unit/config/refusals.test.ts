import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { rdsSources } from '../../../core/contract/config/sources/rds-sources.ts';
import { isBackupError, messageOf } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';

const server = 'postgres: { host: db, database: shop, user: app }';

/** What a file is refused for, a line each. */
function problems(text: string): string[] {
  try {
    parseConfig(text, 'nightjar.yaml');
  } catch (error) {
    if (!isBackupError(error, 'config-invalid')) throw error;
    return messageOf(error)
      .split('\n  ')
      .slice(1)
      .map((line) => line.replace(/ \(line \d+\)/, ''));
  }
  return [];
}

const atTop = (keys: string) => problems(`vault: v\nsources: { shop: { ${server} } }\n${keys}`);
const inSource = (keys: string) => problems(`vault: v\nsources: { shop: { ${server}, ${keys} } }`);
const named = (name: string) => problems(`vault: v\nsources: { ${JSON.stringify(name)}: { ${server} } }`);
const parsed = (text: string) => parseConfig(text, 'nightjar.yaml');
const shopOf = (keys: string, defaults = '{}') =>
  parsed(`vault: v\ndefaults: ${defaults}\nsources: { shop: { ${server}, ${keys} } }`).sources.get(
    'shop' as SourceName,
  )!;

test.each([
  ['https://wiki.example/runbook', []],
  ['http://wiki.example', []],
  [
    'https://wiki.example/runbook#stale',
    ['runbook: expected an http or https URL without #section, got "https://wiki.example/runbook#stale"'],
  ],
  ['ftp://wiki.example', ['runbook: expected an http or https URL without #section, got "ftp://wiki.example"']],
  ['the wiki', ['runbook: expected an http or https URL without #section, got "the wiki"']],
])('a runbook at %s', (runbook, said) => {
  expect(atTop(`runbook: "${runbook}"`)).toEqual(said);
});

test('where a runbook is and that nobody is told is kept as it is written', () => {
  const text = `vault: v\nsources: { shop: { ${server} } }`;

  expect(parsed(text)).toMatchObject({ notify: [] });
  expect(Object.keys(parsed(text))).not.toEqual(expect.arrayContaining(['quiet']));
  expect(Object.keys(parsed(text))).not.toEqual(expect.arrayContaining(['runbook']));
  expect(parsed(`${text}\nnotify: none\nrunbook: https://wiki.example`)).toMatchObject({
    notify: [],
    quiet: true,
    runbook: 'https://wiki.example',
  });
});

describe('an API of Telegram', () => {
  const refused =
    'notify.0.telegram.api: expected an https URL (http on this machine alone) without user, password and query';

  test.each([
    ['https://api.example', []],
    ['https://api.example/bots', []],
    ['http://127.0.0.1:8081', []],
    ['http://localhost', []],
    ['http://[::1]:8081', []],
    ['http://api.example', [refused]],
    ['ftp://localhost', [refused]],
    ['https://me@api.example', [refused]],
    ['https://:pass@api.example', [refused]],
    ['https://api.example/?a=1', [refused]],
    ['https://api.example/#a', [refused]],
    ['api', [refused]],
  ])('at %s', (api, said) => {
    expect(atTop(`notify: [{ telegram: { token: { env: T }, chat: "1", api: "${api}" } }]`)).toEqual(said);
  });
});

test.each([
  ['shop', []],
  ['Shop of 2026, the first', []],
  ['-shop', ["sources.-shop: can't be"]],
  [' shop', ['sources." shop": can\'t be']],
  ['shop ', ['sources."shop ": can\'t be']],
  ['a\tb', ['sources."a\\tb": can\'t be']],
  ['x'.repeat(200), []],
  ['x'.repeat(201), [`sources.${'x'.repeat(201)}: is too long for a name`]],
])('a source of the name %j', (name, said) => {
  expect(named(name)).toEqual(said.map((line) => expect.stringContaining(line)));
});

test.each([
  ['drill: { server: { host: h, user: u } }', []],
  ['keepReplaced: 8d, rank: production', []],
])('a source with %s', (keys, said) => {
  expect(inSource(keys)).toEqual(said);
});

test('a server for drills is refused where the engine has none', () => {
  expect(
    problems('vault: v\nsources: { app: { sqlite: { path: a.db }, drill: { server: { host: h, user: u } } } }'),
  ).toEqual(['sources.app.drill.server: this engine has no servers: leave it out']);
});

test('settings of a source win over the defaults, and those hold where it says nothing', () => {
  const defaults = '{ keepReplaced: 20d, adopt: { host: scratch, user: u }, rotation: { maxShare: 40, grace: 2h } }';

  expect(shopOf('').adopt).toBeUndefined();
  expect(Object.keys(shopOf(''))).not.toEqual(expect.arrayContaining(['rank']));
  expect(Object.keys(shopOf(''))).not.toEqual(expect.arrayContaining(['keepReplacedMs']));
  expect(shopOf('rank: production', defaults)).toMatchObject({
    rank: 'production',
    keepReplacedMs: 20 * 86_400_000,
    adopt: { host: 'scratch' },
    rotation: { maxShare: 40, graceMs: 7_200_000 },
  });
  expect(
    shopOf('keepReplaced: 3d, adopt: { host: other, user: u }, rotation: { maxShare: 30, grace: 3h }', defaults),
  ).toMatchObject({
    keepReplacedMs: 3 * 86_400_000,
    adopt: { host: 'other' },
    rotation: { maxShare: 30, graceMs: 10_800_000 },
  });
});

test.each([
  ['retention: { keepWithin: 30d, daily: 0, weekly: 0, monthly: 0, yearly: 0 }', []],
  ['retention: { yearly: 1, daily: 0, weekly: 0, monthly: 0 }, rotation: { maxShare: 100 }', []],
  [
    'retention: { daily: 0, weekly: 0, monthly: 0, yearly: 0 }',
    ['sources.shop.retention: keeps nothing: at least one number must be above 0'],
  ],
  [
    'retention: { count: 1, keepWithin: 30d }',
    ['sources.shop.retention: count stands alone: it takes the place of all the others'],
  ],
])('%s', (keys, said) => {
  expect(inSource(keys)).toEqual(said);
});

test('a rotation that would be refused for ever is refused at once, with the share that it needs', () => {
  const kept = 'retention: { count: 1 }';
  const refused = (how: string, oftener: string) => [
    expect.stringMatching(
      new RegExp(
        `^sources\\.shop\\.rotation\\.maxShare: is 10, and rotation would be refused for ever: of backups of "0 2 \\* \\* \\*", rotated ${how}, \\d+ of \\d+ days lose theirs at once; write \\d+ or more${oftener}, or keep more days in retention$`,
      ),
    ),
  ];

  expect(inSource(`schedule: "0 2 * * *", ${kept}, rotation: { maxShare: 10 }`)).toEqual(refused('once a day', ''));
  expect(
    inSource(`schedule: "0 2 * * *", ${kept}, rotation: { maxShare: 10 }, cloud: { rotate: "0 9 * * 1" }`),
  ).toEqual(refused('at "0 9 \\* \\* 1"', ', rotate each day'));
  expect(inSource(`${kept}, rotation: { maxShare: 10 }`)).toEqual([]);
});

describe('a vault', () => {
  const text = (vault: string) => problems(`vault: ${vault}\nsources: { shop: { ${server} } }`);
  const expected = 'the path of a folder, or s3://bucket/prefix (no keys in it)';

  test.each([
    ['./backups', []],
    ['s3://acme/prod', []],
    ['~/backups', ['vault: a path that begins with ~ is for shells: write the whole path']],
    ['/backups~', []],
    ['ftp://acme', [`vault: expected ${expected}`]],
    ['7', [`vault: expected ${expected}`]],
    ['{ s3: { bucket: acme }, folder: v }', ['vault: expected exactly one of folder, s3']],
    ['{}', ['vault: expected exactly one of folder, s3']],
  ])('at %s', (vault, said) => {
    expect(text(vault)).toEqual(said);
  });

  test('is missing', () => {
    expect(problems(`sources: { shop: { ${server} } }`)).toEqual([`vault: is missing: ${expected}`]);
  });
});

test.each([
  ['timeZone: Europe/Amsterdm', 'there is no time zone "Europe/Amsterdm", did you mean "Europe/Amsterdam"?'],
  ['timeZone: "+02:00"', 'there is no time zone "+02:00"; expected one as Europe/Amsterdam'],
  ['timeZone: [UTC]', 'expected a time zone, as Europe/Amsterdam, got a list'],
  ['timeZone: { a: b }', 'expected a time zone, as Europe/Amsterdam, got a group of keys'],
  ['timeZone: ', 'expected a time zone, as Europe/Amsterdam, got null'],
  [`timeZone: ${'x'.repeat(80)}`, `there is no time zone "${'x'.repeat(56)}…"; expected one as Europe/Amsterdam`],
])('what stands there is shown, as far as it helps: %s', (keys, said) => {
  expect(inSource(keys)).toEqual([`sources.shop.timeZone: ${said}`]);
});

test.each([
  ['1s', []],
  ['999ms', ['got "999ms"']],
  ['1h', []],
  ['3601s', ['got "3601s"']],
  ['1x', ['got "1x"']],
  ['30', ['got 30']],
])('a wait for locks of %s', (lockTimeout, said) => {
  expect(inSource(`lockTimeout: ${lockTimeout}`).map((line) => line.split(', ').at(-1))).toEqual(said);
});

describe('the authorities of RDS', () => {
  const rds = (host: string, keys = 'ca: rds') =>
    `postgres: { host: ${host}, database: d, user: u, password: { env: P }, tls: { ${keys} } }`;
  const regionsOf = (source: string) =>
    rdsSources(parsed(`vault: v\nsources: { shop: { ${source} } }`)).map(({ region }) => region);

  test.each([
    ['of its region', rds('a.c1.eu-west-1.rds.amazonaws.com'), ['eu-west-1']],
    ['of no region, where the name is one’s own', rds('db.acme.example'), []],
    ['not asked', server, []],
    [
      'of the server of drills, too',
      `${rds('a.c1.eu-west-1.rds.amazonaws.com')}, drill: { server: { host: b.c2.eu-central-1.rds.amazonaws.com, user: u, tls: { ca: rds } } }`,
      ['eu-west-1', 'eu-central-1'],
    ],
    [
      'once, where both are in one region',
      `${rds('a.c1.eu-west-1.rds.amazonaws.com')}, drill: { server: { host: b.c2.eu-west-1.rds.amazonaws.com, user: u, tls: { ca: rds } } }`,
      ['eu-west-1'],
    ],
    ['of no server at all', 'sqlite: { path: a.db }', []],
  ])('are %s', (_, source, regions) => {
    expect(regionsOf(source)).toEqual(regions);
  });
});
