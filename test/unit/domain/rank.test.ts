import { expect, test } from '@jest/globals';
import { rankToName } from '../../../core/domain/rank.ts';
import { rankNotNamed } from '../../../core/commands/restore/rank.ts';
import { parseConfig } from '../../../core/config-file.ts';
import type { SourceName } from '../../../core/domain/keys.ts';

/**
 * `other` is on the server of `shop`, and has no rank of its own; `plain` is on one that nobody has ranked. `report` is
 * read from a replica, and restored by functions into the server of `writer`.
 */
const { sources } = parseConfig(
  `vault: ./backups
sources:
  shop: { rank: production, postgres: { host: db1.example.com, database: shop, user: a, password: { env: P } } }
  other: { postgres: { host: db1.example.com, database: other, user: a, password: { env: P } } }
  second: { postgres: { host: db1.example.com, port: 5433, database: second, user: a, password: { env: P } } }
  stage: { rank: staging, postgres: { host: db2.example.com, database: shop, user: a, password: { env: P } } }
  tests: { rank: test, mariadb: { host: db3.example.com, database: shop, user: a, password: { env: P } } }
  spelt: { postgres: { host: DB1.Example.com., database: spelt, user: a, password: { env: P } } }
  report:
    rank: production
    mariadb: { host: reader.example.com, database: report, user: a, password: { env: P } }
    cloud: { restoreHost: Writer.example.com }
  writer: { mariadb: { host: writer.example.com, database: other, user: a, password: { env: P } } }
  beside: { mariadb: { host: writer.example.com, port: 3307, database: other, user: a, password: { env: P } } }
  plain: { postgres: { host: db4.example.com, database: shop, user: a, password: { env: P } } }
  local: { rank: production, postgres: { host: 127.0.0.1, database: shop, user: a, password: { env: P } } }
  local-too: { rank: test, postgres: { host: localhost, database: tests, user: a, password: { env: P } } }
  local-other: { rank: test, postgres: { host: '::1', port: 5433, database: tests, user: a, password: { env: P } } }
  media: { rank: production, files: { path: ./media } }
  tries: { rank: test, sqlite: { path: ./tests/app.db } }
  mounted: { rank: test, files: { path: /mnt/a/b, efs: 'arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0' } }
`,
  'nightjar.yaml',
);
const configured = {
  sourceNames: [...sources.keys()],
  settings: (name: string) => sources.get(name as SourceName)!,
};
type Asked = Partial<Parameters<typeof rankNotNamed>[0]>;
const named = (of: string, server: string, more: Asked = {}) =>
  rankNotNamed({ of, server, replace: false, isInPlace: false, ...more }, configured);

test.each<[string, string, string, Asked, string | undefined]>([
  ['production into staging, each week', 'shop', 'stage', {}, undefined],
  ['the same in the place of what is there', 'shop', 'stage', { replace: true }, undefined],
  ['staging into production, by a wrong argument', 'stage', 'shop', {}, 'production'],
  ['staging in the place of production', 'stage', 'shop', { replace: true }, 'production'],
  ['tests into staging', 'tests', 'stage', {}, 'staging'],
  ['staging into tests', 'stage', 'tests', {}, undefined],
  ['a backup without a rank into tests', 'plain', 'tests', {}, 'test'],
  ['a backup that left the configuration, into tests', 'gone', 'tests', {}, 'test'],
  ['production into a server without a rank', 'shop', 'plain', {}, undefined],
  ['production beside production', 'shop', 'shop', {}, undefined],
  ['production in its own place', 'shop', 'shop', { replace: true, isInPlace: true }, 'production'],
  ['staging in its own place', 'stage', 'stage', { replace: true, isInPlace: true }, undefined],
  [
    'a source in its own place, on a server that holds production too',
    'other',
    'other',
    { replace: true, isInPlace: true },
    undefined,
  ],
  ['the same in the place of a neighbour', 'other', 'other', { replace: true }, 'production'],
  ['a server that holds production, named by another of its sources', 'stage', 'other', {}, 'production'],
  ['another server of the same host', 'stage', 'second', {}, undefined],
  ['a server that holds production, written in other letters', 'stage', 'spelt', {}, 'production'],
  ['the server that production is restored into', 'stage', 'writer', {}, 'production'],
  ['another server of that host', 'stage', 'beside', {}, undefined],
  ['this machine, by another of its names', 'local-too', 'local-too', { replace: true }, 'production'],
  ['another port of this machine', 'local-other', 'local-other', { replace: true }, undefined],
  [
    'a file in the place of another, on a machine with a folder of production',
    'tries',
    'tries',
    { replace: true },
    'production',
  ],
  ['a new file beside', 'tries', 'tries', {}, undefined],
  ['a file in its own place', 'tries', 'tries', { replace: true, isInPlace: true }, undefined],
  ['another file system', 'mounted', 'mounted', { replace: true }, undefined],
  ['production, named', 'stage', 'shop', { replace: true, into: 'production' }, undefined],
  ['staging, named though nobody asks', 'shop', 'stage', { into: 'staging' }, undefined],
])('%s', (_, of, server, more, rank) => {
  expect(named(of, server, more)).toBe(rank);
});

test.each([
  ['shop', 'staging', '--into staging: the server of shop is production'],
  ['plain', 'staging', '--into staging: the server of plain has no rank in the configuration'],
] as const)('whoever means another server than the one that is there is refused: %s', (server, into, message) => {
  expect(() => named('shop', server, { into })).toThrow(expect.objectContaining({ code: 'input-invalid', message }));
});

test('what comes from a server of the same rank needs no word, but for production', () => {
  const between = (from: 'staging' | 'production', onto = from) =>
    rankToName({ from, onto, isBeside: false, isInPlace: false });
  expect([between('staging'), between('production')]).toEqual([undefined, 'production']);
});
