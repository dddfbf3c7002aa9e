import { expect, test } from '@jest/globals';
import { byTagSchema } from '../../../../core/contract/cloud/by-tag.ts';
import { rosterSchema } from '../../../../core/contract/memory/roster.ts';
import type { Roster } from '../../../../core/contract/memory/roster.ts';
import { rosterAfter } from '../../../../core/domain/by-tag/roster.ts';
import type { RosterRules } from '../../../../core/domain/by-tag/roster.ts';
import { engineOfRds } from '../../../../core/engines/index.ts';
import type { RdsDatabase, RdsReach } from '../../../../core/domain/watch/account.ts';

const rules: RosterRules = {
  byTag: byTagSchema.parse({ network: 'inside' }),
  usual: '30 2 * * *',
  vpc: 'vpc-1',
  engineOf: engineOfRds,
  isSource: () => true,
};
const empty: Roster = {
  version: 1,
  owner: 'Nightjar-by-tag in eu-west-1',
  at: '2026-11-20T00:00:00.000Z',
  startedUntil: '2026-11-20T00:00:00.000Z',
  sources: [],
  refused: [],
  untold: [],
};
const day = (of: number): Date => new Date(`2026-11-${of}T12:00:00Z`);
const reach: RdsReach = {
  host: 'shop.c1x2.eu-west-1.rds.amazonaws.com',
  port: 5432,
  resourceId: 'db-ABC',
  database: 'shop',
  iam: true,
  vpc: 'vpc-1',
};

function database(tags: Record<string, string>, more: Partial<RdsReach> = {}, what = 'instance shop'): RdsDatabase {
  return { what, engine: 'postgres', addresses: [reach.host], tags, reach: { ...reach, ...more } };
}

/** After one look after the other, a day each from the 21st on. */
function after(looks: readonly RdsDatabase[][], own: Partial<RosterRules> = {}): Roster[] {
  const rosters: Roster[] = [];
  for (const [index, look] of looks.entries()) {
    const before = rosters.at(-1) ?? empty;
    const next = rosterAfter({ ...before, untold: [] }, look, { ...rules, ...own }, day(21 + index));
    rosters.push(rosterSchema.parse(next));
  }
  return rosters;
}

const untold = ({ untold: lines }: Roster): string[] => lines.map(({ label, text }) => `${label}: ${text}`);

test('a database with the tag becomes a source as a person would write it, and is told once', () => {
  const [first, second] = after([[database({ nightjar: '' })], [database({ nightjar: '' })]]);

  expect(first!.sources).toEqual([
    {
      name: 'rds.shop',
      what: 'instance shop',
      since: day(21).toISOString(),
      written: {
        postgres: { host: reach.host, port: 5432, database: 'shop', user: 'nightjar', password: 'iam' },
        schedule: '30 2 * * *',
        cloud: { network: 'inside', resourceId: 'db-ABC' },
      },
    },
  ]);
  expect(untold(first!)).toEqual(['New: instance shop is the source rds.shop, at 30 2 * * *']);
  expect(second!.sources).toEqual(first!.sources);
  expect(untold(second!)).toEqual([]);
});

test('sources stand in the order of their names', () => {
  const named = (name: string) => database({ nightjar: '' }, {}, `instance ${name}`);
  const [first] = after([[named('shop'), named('blog'), named('wiki')]]);
  expect(first!.sources.map(({ name }) => name)).toEqual(['rds.blog', 'rds.shop', 'rds.wiki']);
});

test.each([
  ['daily', '30 2 * * *'],
  ['hourly', '0 * * * *'],
  ['weekly', '30 2 * * 0'],
  ['04:05', '5 4 * * *'],
  ['23:59', '59 23 * * *'],
])('the tag says %s: it is backed up at %s', (value, schedule) => {
  const [roster] = after([[database({ nightjar: value })]]);

  expect(roster!.sources[0]!.written['schedule']).toBe(schedule);
  expect(roster!.refused).toEqual([]);
});

test.each(['24:00', 'nightly', '0 3 * * *', '4:5'])(
  'a tag that nobody understands (%s) keeps nothing from its backup',
  (value) => {
    const [roster] = after([[database({ nightjar: value })]]);

    expect(roster!.sources[0]!.written['schedule']).toBe('30 2 * * *');
    expect(roster!.refused).toEqual([{ what: 'instance shop', why: expect.stringContaining(`nightjar=${value}`) }]);
  },
);

test('a retention is taken as a whole, or not at all', () => {
  const retentionOf = (text: string) =>
    after([[database({ nightjar: '', 'nightjar:retention': text })]])[0]!.sources[0]!.written['retention'];

  expect(retentionOf('daily=7 weekly=4')).toEqual({ daily: 7, weekly: 4 });
  expect(retentionOf('count=14')).toEqual({ count: 14 });
  for (const wrong of ['daily=7 weekly', 'daily=0', 'count=3 daily=7', 'daily=-1', 'forever', 'daily=7=8', ''])
    expect(retentionOf(wrong)).toBeUndefined();
});

test('a tag that is lost makes no silence: the source stays, is told as gone once, and comes back with the tag', () => {
  const [, lost, still, back] = after([
    [database({ nightjar: '' })],
    [database({ team: 'shop' })],
    [database({ team: 'shop' })],
    [database({ nightjar: '' })],
  ]);

  expect(lost!.sources).toMatchObject([
    { name: 'rds.shop', gone: { since: day(22).toISOString(), why: 'it has lost its tag nightjar' } },
  ]);
  expect(untold(lost!)).toEqual([
    'Gone: instance shop: it has lost its tag nightjar; rds.shop is backed up no more, and missed',
  ]);
  expect(still!.sources).toEqual(lost!.sources);
  expect(untold(still!)).toEqual([]);
  expect(back!.sources).toMatchObject([{ name: 'rds.shop', since: day(24).toISOString() }]);
  expect(back!.sources[0]).not.toHaveProperty('gone');
  expect(untold(back!)).toEqual(['Back: instance shop is the source rds.shop, at 30 2 * * *']);
});

test('a database that was deleted stays a source that is missed, until somebody says that it is none', () => {
  const [, deleted] = after([[database({ nightjar: '' })], []]);
  const without = rosterAfter(
    { ...deleted!, untold: [] },
    [],
    { ...rules, byTag: { ...rules.byTag, without: ['rds.shop'] } },
    day(23),
  );

  expect(deleted!.sources).toMatchObject([{ name: 'rds.shop', gone: { why: 'it is not in RDS any more' } }]);
  expect(without.sources).toEqual([]);
  expect(untold(without)).toEqual(['Left out: instance shop: rds.shop is no source any more; its backups stay']);
});

test('nightjar=ignore is somebody’s word: never a source, and none any more', () => {
  const [never] = after([[database({ nightjar: 'ignore' })]]);
  const [, left] = after([[database({ nightjar: '' })], [database({ nightjar: 'ignore' })]]);

  expect([never!.sources, untold(never!)]).toEqual([[], []]);
  expect(left!.sources).toEqual([]);
});

test.each<[string, Partial<RdsReach>, RegExp]>([
  ['has no IAM authentication', { iam: false }, /has no IAM database authentication/],
  ['was made without a database', { database: undefined }, /tag nightjar:database/],
  ['lies in another network', { vpc: 'vpc-2' }, /lies in vpc-2, and the functions run in vpc-1/],
])('a database that %s is told with what to do, once, and becomes a source when that is done', (_, wrong, why) => {
  const [first, second, mended] = after([
    [database({ nightjar: '' }, wrong)],
    [database({ nightjar: '' }, wrong)],
    [database({ nightjar: '' })],
  ]);

  expect(first!.sources).toEqual([]);
  expect(first!.refused).toEqual([{ what: 'instance shop', why: expect.stringMatching(why) }]);
  expect(untold(first!)).toHaveLength(1);
  expect(untold(second!)).toEqual([]);
  expect(mended!.sources).toHaveLength(1);
  expect(mended!.refused).toEqual([]);
});

test('what makes a source impossible later leaves the source: its backups fail, and that is heard', () => {
  const [, broken] = after([[database({ nightjar: '' })], [database({ nightjar: '' }, { iam: false })]]);

  expect(broken!.sources).toHaveLength(1);
  expect(broken!.sources[0]).not.toHaveProperty('gone');
  expect(untold(broken!)).toEqual([expect.stringMatching(/^Trouble: instance shop has no IAM/)]);
});

test('a cluster and an instance of one name are two sources; one without an address waits', () => {
  const cluster = { ...database({ nightjar: '' }, {}, 'cluster shop'), engine: 'aurora-mysql' };
  const making = { ...database({ nightjar: '' }, {}, 'instance new'), reach: undefined };
  const [roster] = after([[database({ nightjar: '', 'nightjar:database': 'other' }), cluster, making]]);

  expect(roster!.sources.map(({ name, written }) => [name, Object.keys(written)[0]])).toEqual([
    ['rds.cluster.shop', 'mariadb'],
    ['rds.shop', 'postgres'],
  ]);
  expect(roster!.sources[1]!.written).toMatchObject({ postgres: { database: 'other' } });
  expect(roster!.refused).toEqual([]);
});

test('what RDS has that can’t be backed up, or makes no source, is told with why', () => {
  const why = (one: RdsDatabase, own: Partial<RosterRules> = {}) =>
    after([[one]], own)[0]!.refused.map((refused) => refused.why);

  expect(why({ ...database({ nightjar: '' }), engine: 'oracle-ee' })).toEqual([
    "is oracle-ee, which Nightjar can't back up",
  ]);
  expect(why(database({ nightjar: '' }, { resourceId: '' }))).toEqual([
    'has no IAM database authentication: switch it on',
  ]);
  expect(why(database({ nightjar: '' }), { isSource: () => false })).toEqual([
    'what RDS and its tags say makes no source of it',
  ]);
  expect(why(database({ nightjar: '' }, { vpc: undefined }))).toEqual([]);
  expect(why(database({ nightjar: '' }), { vpc: undefined })).toEqual([]);
  expect(why(database({ nightjar: 'x', 'nightjar:retention': 'y' }))).toEqual([
    'is backed up as usual, for its tag says nothing known: nightjar=x (daily, hourly, weekly or a time as 04:30), ' +
      'nightjar:retention=y (as daily=7 weekly=4, or count=14)',
  ]);
});

test('a source is written with what is known: its port, its TLS; one that the file leaves out never comes', () => {
  const written = (more: Partial<RdsReach>, own: Partial<RosterRules> = {}) =>
    after([[database({ nightjar: '' }, more)]], own)[0]!.sources[0]?.written;

  expect(written({ port: undefined })!['postgres']).toStrictEqual({
    host: reach.host,
    database: 'shop',
    user: 'nightjar',
    password: 'iam',
  });
  const tls = { ca: 'rds.pem' } as never;
  expect(written({}, { byTag: { ...rules.byTag, tls } })!['postgres']).toMatchObject({ tls });
  expect(written({}, { byTag: { ...rules.byTag, without: ['rds.shop'] } })).toBeUndefined();
  const odd = after([[database({ nightjar: '' }, {}, 'instance my instance 2')]])[0]!.sources;
  expect(odd.map(({ name }) => name)).toEqual(['rds.my instance 2']);
});
