import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import type { SourceConfig } from '../../../core/contract/config/config.ts';
import { isBackupError, messageOf } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';

const server = 'postgres: { host: db, database: shop, user: app }';

/** The problems of a text, a line each. */
function problems(text: string): string[] {
  try {
    parseConfig(text, 'nightjar.yaml');
  } catch (error) {
    if (!isBackupError(error, 'config-invalid')) throw error;
    return messageOf(error).split('\n  ').slice(1);
  }
  throw new Error('there was no problem');
}

function source(settings: string, defaults = '{}'): SourceConfig {
  const config = parseConfig(
    `vault: v\ndefaults: ${defaults}\nsources: { shop: { ${server}, ${settings} } }`,
    'nightjar.yaml',
  );
  return config.sources.get('shop' as SourceName)!;
}

const inSource = (keys: string) => `vault: v\nsources:\n  shop:\n    ${keys}\n`;

test('what is left out has its default', () => {
  const config = parseConfig(`vault: ./backups\nsources: { shop: { ${server} } }`, 'nightjar.yaml');

  expect(config.vault).toEqual({ kind: 'folder', folder: './backups' });
  expect(config.sources.get('shop' as SourceName)).toEqual({
    engine: 'postgres',
    at: { host: 'db', port: 5432, database: 'shop', user: 'app' },
    on: 'db',
    timeZone: 'UTC',
    compressionLevel: 1,
    parallel: 2,
    lockTimeoutMs: 30_000,
    idleTimeoutMs: 300_000,
    retention: { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 0 },
    rotation: { maxShare: 60, graceMs: 24 * 3_600_000 },
    watch: {
      limit: { ms: 25 * 3_600_000 },
      schedule: undefined,
      drillEveryMs: undefined,
      paused: false,
      shrink: { rows: 50, bytes: 50, since: undefined },
    },
    copies: [],
    encryption: { recipients: [], identity: undefined },
    signing: { publicKeys: [], privateKey: undefined, since: undefined },
    drill: { server: undefined, assert: [], owners: true },
    cloud: { oversize: 'refuse' },
  });
});

test('a source goes over the defaults, and its retention does so key by key', () => {
  const { parallel, compressionLevel, lockTimeoutMs, retention } = source(
    'parallel: 4, retention: { daily: 14, keepWithin: 2d }',
    '{ compression: 3, lockTimeout: 500s, parallel: 1, retention: { daily: 3, yearly: 0 } }',
  );

  expect({ parallel, compressionLevel, lockTimeoutMs }).toEqual({
    parallel: 4,
    compressionLevel: 3,
    lockTimeoutMs: 500_000,
  });
  expect(retention).toEqual({
    last: 0,
    hourly: 0,
    daily: 14,
    weekly: 4,
    monthly: 12,
    yearly: 0,
    keepWithinMs: 172_800_000,
  });
});

test.each([
  ['retention: { count: 30 }', '{}', { count: 30 }],
  ['parallel: 1', '{ retention: { count: 9 } }', { count: 9 }],
  [
    'retention: { last: 2 }',
    '{ retention: { count: 9 } }',
    { last: 2, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 0 },
  ],
  ['retention: { count: 5 }', '{ retention: { daily: 1 } }', { count: 5 }],
])('a plain count stands for the whole retention: %s over %s', (own, defaults, expected) => {
  expect(source(own, defaults).retention).toEqual(expected);
});

test.each([
  [
    's3://bucket',
    { kind: 's3', bucket: 'bucket', prefix: '', checksums: 'when-supported', tags: true, conditionalWrites: true },
  ],
  [
    's3://my.bucket/a/b',
    {
      kind: 's3',
      bucket: 'my.bucket',
      prefix: 'a/b',
      checksums: 'when-supported',
      tags: true,
      conditionalWrites: true,
    },
  ],
  ['/srv/backups', { kind: 'folder', folder: '/srv/backups' }],
  ['{ folder: ../b }', { kind: 'folder', folder: '../b' }],
  [
    '{ s3: { bucket: abc, endpoint: "https://store:9000", checksums: when-required, accessKeyId: { env: A }, ' +
      'secretAccessKey: { file: b } } }',
    {
      kind: 's3',
      bucket: 'abc',
      prefix: '',
      tags: true,
      conditionalWrites: true,
      endpoint: 'https://store:9000',
      checksums: 'when-required',
      accessKeyId: { env: 'A' },
      secretAccessKey: { file: 'b' },
    },
  ],
])('a vault is written as %s', (text, expected) => {
  expect(parseConfig(`vault: ${text}\nsources: { shop: { ${server} } }`, 'nightjar.yaml').vault).toEqual(expected);
});

test('JSON is as good as YAML', () => {
  const config = parseConfig(
    JSON.stringify({
      vault: 'v',
      sources: { shop: { mariadb: { host: 'db', database: 'shop', user: { secret: 's', field: 'username' } } } },
    }),
    'nightjar.json',
  );

  expect(config.sources.get('shop' as SourceName)?.at).toEqual({
    host: 'db',
    port: 3306,
    database: 'shop',
    user: { secret: 's', field: 'username' },
  });
});

test.each([
  ['retension: { daily: 7 }', 'sources.shop.retension: unknown key, did you mean "retention"? (line 5)'],
  ['retention: { daily: seven }', 'sources.shop.retention.daily: expected a whole number ≥ 0, got "seven" (line 5)'],
  ['retention: { daily: 1.5 }', 'sources.shop.retention.daily: expected a whole number ≥ 0, got 1.5 (line 5)'],
  [
    'retention: { count: 3, daily: 1 }',
    'sources.shop.retention: count stands alone: it takes the place of all the others (line 5)',
  ],
  [
    'retention: { daily: 0, weekly: 0, monthly: 0, yearly: 0 }',
    'sources.shop.retention: keeps nothing: at least one number must be above 0 (line 5)',
  ],
  ['compression: 20', 'sources.shop.compression: expected a whole number from 1 to 19, got 20 (line 5)'],
  [
    'lockTimeout: 30',
    'sources.shop.lockTimeout: expected a duration from 1s to 1h, as 90s, 5m, 12h or 30d, got 30 (line 5)',
  ],
  [
    'lockTimeout: 2h',
    'sources.shop.lockTimeout: expected a duration from 1s to 1h, as 90s, 5m, 12h or 30d, got "2h" (line 5)',
  ],
  [
    'timeZone: Europe/Amsterdm',
    'sources.shop.timeZone: there is no time zone "Europe/Amsterdm", did you mean "Europe/Amsterdam"? (line 5)',
  ],
  [
    'timeZone: "+02:00"',
    'sources.shop.timeZone: there is no time zone "+02:00"; expected one as Europe/Amsterdam (line 5)',
  ],
  [
    'mariadb: { host: db, database: d, user: u }',
    'sources.shop: expected exactly one engine: postgres, postgresGlobals, mariadb, mariadbGlobals, sqlite, files or image (line 4)',
  ],
])('%s is refused', (keys, problem) => {
  expect(problems(inSource(`${server}\n    ${keys}`))).toEqual([problem]);
});

test('every problem is told at once, with its path and line', () => {
  const found = problems(`vualt: ./backups
defaults: { compresion: 3 }
sources:
  shop:
    postgres: { host: db, port: 70000, user: app, tls: on }
    parallel: many
  Shop:
    mysql: { host: db }
  " padded ":
    ${server}
`);

  expect(found).toEqual([
    'vault: is missing: the path of a folder, or s3://bucket/prefix (no keys in it)',
    'defaults.compresion: unknown key, did you mean "compression"? (line 2)',
    'sources.shop.postgres.port: expected a whole number from 1 to 65535, got 70000 (line 5)',
    'sources.shop.postgres.tls: expected verify, off, or { ca: rds, public or a path }, got "on" (line 5)',
    'sources.shop.postgres.database: is missing: the name of a database (line 5)',
    'sources.shop.parallel: expected a whole number from 1 to 16, got "many" (line 6)',
    'sources.Shop.mysql: unknown key (line 8)',
    'sources.Shop: expected exactly one engine: postgres, postgresGlobals, mariadb, mariadbGlobals, sqlite, files or image (line 8)',
    'sources.Shop: is the same name as shop: not every file system tells capitals from small letters (line 8)',
    'sources." padded ": can\'t be a source\'s name: it is empty, or begins or ends with a blank, or begins ' +
      'with -, or holds a control character (line 10)',
    'vualt: unknown key, did you mean "vault"? (line 1)',
  ]);
});

test('a setting of sources at the top is told where it stands', () => {
  const text = 'vault: a\nretention: { daily: 7 }\nsources:\n  s: { sqlite: { path: ./a.db } }\n';

  expect(problems(text)).toEqual(['retention: stands in `defaults` or in a source, not here (line 2)']);
});

test.each([
  ['a key twice', 'vault: a\nvault: b\n', 'line 2, column 1: a key stands here for the second time'],
  ['a broken bracket', 'vault: a\nsources: { shop: [', 'line 2'],
  ['a tab', 'vault:\n\tfolder: a\n', 'line 2, column 1'],
  [
    'an empty file',
    '',
    'the file: expected the configuration, a group of keys (vault, vaults, defaults, sources, notify, hooks, ' +
      'runbook, cloud)',
  ],
  ['no source', 'vault: a\nsources: {}\n', 'sources: names no source (line 2)'],
])('%s is told with its place', (_, text, problem) => {
  expect(problems(text)[0]).toContain(problem);
});
