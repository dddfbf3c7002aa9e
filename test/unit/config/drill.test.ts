import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { rdsSources } from '../../../core/contract/config/sources/rds-sources.ts';
import type { SourceName } from '../../../core/domain/keys.ts';

const drillOf = (own: string, defaults = '{}') =>
  parseConfig(
    `vault: v\ndefaults: ${defaults}\nsources: { shop: { mariadb: { host: db, database: d, user: u }, ${own} } }`,
    'nightjar.yaml',
  ).sources.get('shop' as SourceName)!.drill;

test('a source’s own words about drills go over those of the defaults, key by key', () => {
  const defaults = '{ drill: { owners: false, assert: [select 1], server: { host: scratch, user: drill } } }';

  expect(drillOf('drill: { assert: [select 2, " select 3 ; "] }', defaults)).toEqual({
    owners: false,
    assert: ['select 2', ' select 3'],
    server: { host: 'scratch', user: 'drill' },
  });
  expect(drillOf('drill: { server: { host: mine, port: 3310, user: { env: U } }, owners: true }', defaults)).toEqual({
    owners: true,
    assert: ['select 1'],
    server: { host: 'mine', port: 3310, user: { env: 'U' } },
  });
});

test.each([
  ['drill: { assert: select 1 }', 'sources.shop.drill.assert: expected a list of statements of SQL'],
  ['drill: { assert: [" ; "] }', 'sources.shop.drill.assert.0: expected a statement of SQL'],
  ['drill: { every: 7d }', 'sources.shop.drill.every: unknown key'],
  ['drill: { server: { host: db, user: u, database: x } }', 'sources.shop.drill.server.database: unknown key'],
  [
    'drill: { server: { host: localhost, user: u, password: iam } }',
    'sources.shop.drill.server.tls: with password: iam',
  ],
  ['drill: { server: { host: db, user: u, password: hunter2 } }', 'sources.shop.drill.server.password'],
])('%s is refused', (own, problem) => {
  expect(() => drillOf(own)).toThrow(problem);
  expect(() => drillOf(own)).not.toThrow('hunter2');
});

test('the authorities of a server for drills are those that the clients need, too', () => {
  const rds = (region: string) => `host: db.c1x2y3.${region}.rds.amazonaws.com, user: u`;
  const regions = (own: string, drills: string) =>
    rdsSources(
      parseConfig(
        `vault: v\nsources: { shop: { postgres: { ${rds(own)}, database: d }, drill: { server: { ${rds(drills)} ` +
          '} } } }',
        'nightjar.yaml',
      ),
    ).map(({ region }) => region);

  expect(regions('eu-west-1', 'eu-north-1')).toEqual(['eu-west-1', 'eu-north-1']);
  expect(regions('eu-west-1', 'eu-west-1')).toEqual(['eu-west-1']);
});
