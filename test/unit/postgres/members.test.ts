import { expect, test } from '@jest/globals';
import type { Catalog } from '../../../core/contract/manifest/catalog.ts';
import type { Member } from '../../../core/engines/postgres/catalog/members.ts';
import { memberExceptions } from '../../../core/engines/postgres/proof/members.ts';

const properties = {
  volatility: 'i',
  strict: true,
  definer: false,
  leakproof: false,
  parallel: 's',
  cost: 1,
  rows: 0,
  config: null,
};
const plain: Member = { definition: 'a1', comment: 'c1', owner: 'app', properties };

function catalogOf(members: Record<string, Member>, version: string | undefined = '1.0'): Catalog {
  return {
    'extension version': version === undefined ? {} : { hstore: version },
    'extension members': { hstore: JSON.stringify(members) },
  };
}

const of = 'members of the extension hstore, of which pg_dump carries no change: ';
const excepted = (before: Member | undefined, after: Member | undefined, { owners = true, sameVersion = true } = {}) =>
  memberExceptions(
    catalogOf(before === undefined ? {} : { f: before }),
    catalogOf(after === undefined ? {} : { f: after }),
    owners,
    sameVersion,
  );

test('members that are as they were are no exception', () => {
  expect(excepted(plain, { ...plain })).toEqual([]);
  expect(memberExceptions({}, {}, true, true)).toEqual([]);
});

test.each<[string, Partial<Member>]>([
  ['other definition', { definition: 'a2' }],
  ['other owner', { owner: 'clerk' }],
  ['other comment', { comment: 'c2' }],
  ['other volatility', { properties: { ...properties, volatility: 'v' } }],
  ['other treatment of nulls', { properties: { ...properties, strict: false } }],
  ['other security', { properties: { ...properties, definer: true } }],
  ['other leakproof', { properties: { ...properties, leakproof: true } }],
  ['other parallel safety', { properties: { ...properties, parallel: 'u' } }],
  ['other cost', { properties: { ...properties, cost: 2 } }],
  ['other estimate of rows', { properties: { ...properties, rows: 7 } }],
  ['other settings', { properties: { ...properties, config: ['work_mem=4MB'] } }],
])('a member of %s is named, with that alone', (said, change) => {
  expect(excepted(plain, { ...plain, ...change })).toEqual([`${of}f (${said})`]);
});

test('all that differs of a member is said, and of each member', () => {
  const before = catalogOf({ f: plain, g: plain, h: plain });
  const after = catalogOf({ f: { ...plain, definition: 'a2', owner: 'clerk' }, g: plain, i: plain });

  expect(memberExceptions(before, after, true, true)).toEqual([
    `${of}f (other definition, other owner), h (missing), i (not in the source)`,
  ]);
});

test('without owners, whose a member is does not count', () => {
  expect(excepted(plain, { ...plain, owner: 'clerk' }, { owners: false })).toEqual([]);
});

test('a member that only one of the two knows properties of is not compared by them', () => {
  const { properties: _, ...without } = plain;

  expect(excepted(plain, without)).toEqual([]);
  expect(excepted(without, plain)).toEqual([]);
});

test('between versions of the server, what is printed or commented otherwise counts only where somebody had changed it', () => {
  const other = { ...plain, definition: 'a2', comment: 'c2' };
  const sameVersion = false;

  expect(excepted(plain, other, { sameVersion })).toEqual([]);
  expect(excepted({ ...plain, touched: true }, other, { sameVersion })).toEqual([
    `${of}f (changed in the source, and not compared)`,
  ]);
  expect(excepted(plain, undefined, { sameVersion })).toEqual([]);
  expect(excepted(undefined, plain, { sameVersion })).toEqual([]);
  expect(excepted({ ...plain, touched: true }, undefined, { sameVersion })).toEqual([`${of}f (missing)`]);
  expect(excepted({ ...plain, touched: true }, { ...plain, touched: true }, { sameVersion })).toEqual([]);
  expect(excepted(plain, { ...plain, owner: 'clerk' }, { sameVersion })).toEqual([`${of}f (other owner)`]);
});

test('between versions of the extension, only what somebody had changed is named', () => {
  const before = catalogOf({ f: { ...plain, touched: true }, g: plain });

  const after = catalogOf({ g: { ...plain, definition: 'a2' }, h: plain }, '1.1');

  expect(memberExceptions(before, after, true, true)).toEqual([`${of}f (changed in the source, and not compared)`]);
});

test('an extension that is not there is a difference of its own, and its members are not named besides', () => {
  const touched = catalogOf({ f: { ...plain, touched: true } });

  expect(memberExceptions(touched, { 'extension members': {} }, true, true)).toEqual([]);
});

test('an extension that the restored database has more is none of the backup’s', () => {
  const found = { ...catalogOf({}), 'extension members': { hstore: '{}', citext: JSON.stringify({ f: plain }) } };

  expect(memberExceptions(catalogOf({}), found, true, true)).toEqual([]);
});
