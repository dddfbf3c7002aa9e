import { describe, expect, test } from '@jest/globals';
import { backupId, isBackupId, nameWithTail, newDatabaseName, objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import {
  backupOfManifestKey,
  backupPrefix,
  leaseKey,
  ledgerKey,
  manifestKey,
  partKey,
  serverKey,
  signatureKey,
  sourceOfSegment,
  sourceSegment,
} from '../../../core/domain/layout/places.ts';
import {
  backupPathOf,
  failureKey,
  failureOfPath,
  isBeside,
  isOurs,
  pinKey,
  proofKey,
  proofOfPath,
  removalKey,
  removalOfPath,
  requestKey,
  requestOfPath,
  startKey,
  startOfPath,
} from '../../../core/domain/layout/records.ts';

const shop = 'shop' as SourceName;
const id = '20261120T020000Z-7f3a9c' as BackupId;
const at = new Date('2026-11-20T03:15:00Z');
const stamp = '20261120T031500Z';

describe('a record is what its name says, written down and read again', () => {
  const proof = { kind: 'verify', outcome: 'passed', at } as const;
  const start = { id, run: '4f2a', meant: at };
  const failure = { at, run: '4f2a', code: 'vault-full' };
  const request = { request: '4f2a91c07f3a9c00', attempt: 12, step: 'begun' } as const;

  test.each([
    [proofKey(shop, id, proof), proofOfPath, proof, `shop/${id}/`, `proofs/${stamp}-verify-passed.json`],
    [startKey(shop, start), startOfPath, start, 'shop/', `starts/${id}-4f2a-${stamp}.json`],
    [
      startKey(shop, { ...start, meant: undefined }),
      startOfPath,
      { ...start, meant: undefined },
      'shop/',
      `starts/${id}-4f2a-unscheduled.json`,
    ],
    [failureKey(shop, failure), failureOfPath, failure, 'shop/', `failures/${stamp}-4f2a-vault-full.json`],
    [requestKey(shop, request), requestOfPath, request, 'shop/', 'restores/4f2a91c07f3a9c00-12-begun.json'],
    [removalKey(shop, id), removalOfPath, id, 'shop/', `removals/${id}.json`],
  ])('%s', (key, read, record, folder, path) => {
    expect(key).toBe(`${folder}${path}`);
    expect(read(path)).toEqual(record);
    for (const other of [`old/${path}`, path.replace('/', '/x'), `${path}.bak`, path.replace(/^\w+\//, ''), ''])
      expect(read(other)).toBeUndefined();
    expect(read(path.replace(/^\w+/, 'others'))).toBeUndefined();
  });

  test.each([
    ['a month that there is not', failureOfPath, `failures/20261320T031500Z-4f2a-vault-full.json`],
    ['a moment that there is not', startOfPath, `starts/${id}-4f2a-20261120T256000Z.json`],
    ['a backup that there can’t be', startOfPath, `starts/20261320T020000Z-7f3a9c-4f2a-unscheduled.json`],
    ['a hand-made record of a removal', removalOfPath, 'removals/all.json'],
  ])('not %s', (_, read, path) => {
    expect(read(path)).toBeUndefined();
  });
});

test.each([
  ['manifest.json', true, false],
  ['manifest.sig', true, true],
  ['pin.json', true, false],
  [`proofs/${stamp}-drill-failed.json`, true, false],
  ['data/0001.sql.zst', true, false],
  ['notes.txt', false, false],
  ['proofs/notes.txt', false, false],
])('below a backup, %s is ours: %s, and goes with its manifest into a copy: %s', (path, ours, beside) => {
  expect([isOurs(path), isBeside(path)]).toEqual([ours, beside]);
});

test.each([
  [`shop/${id}/manifest.json`, { segment: 'shop', id, path: 'manifest.json' }],
  [`shop/${id}/data/0001.sql.zst`, { segment: 'shop', id, path: 'data/0001.sql.zst' }],
  [`shop/${id}`, undefined],
  ['shop', undefined],
  ['', undefined],
  ['shop/lease.json', undefined],
  ['shop/starts/a.json', undefined],
])('the key %j below a backup', (key, found) => {
  expect(backupPathOf(key)).toEqual(found);
});

test.each([
  [`shop/${id}/manifest.json`, { source: shop, id }],
  [`the%20shop/${id}/manifest.json`, { source: 'the shop', id }],
  [`shop/${id}/manifest.sig`, undefined],
  [`shop/${id}/manifest.json/old`, undefined],
  [`shop/${id}/old/manifest.json`, undefined],
  ['shop/old/manifest.json', undefined],
  ['shop/manifest.json', undefined],
  ['manifest.json', undefined],
  [`the shop/${id}/manifest.json`, undefined],
  [`%/${id}/manifest.json`, undefined],
])('the key %s is that of a manifest', (key, found) => {
  expect(backupOfManifestKey(key)).toEqual(found);
});

test.each([
  ['shop', 'shop'],
  ['the shop', 'the%20shop'],
  ['a/b', 'a%2Fb'],
  ["it's (new)!*", 'it%27s%20%28new%29%21%2A'],
  ['.hidden', '%2Ehidden'],
  ['..', '%2E%2E'],
  ['a.b', 'a.b'],
])('the source %s lies below %s', (name, segment) => {
  expect(sourceSegment(name as SourceName)).toBe(segment);
  expect(sourceOfSegment(segment)).toBe(name);
  expect(backupPrefix(name as SourceName, id)).toBe(`${segment}/${id}/`);
});

test.each(['%', '.hidden', 'a b', '%41'])('no source lies below %s', (segment) => {
  expect(sourceOfSegment(segment)).toBeUndefined();
});

test.each([
  ['shop/data/0001.sql.zst', true],
  ['A-z0._~@+=,%9', true],
  ['', false],
  ['/shop', false],
  ['shop/', false],
  ['a//b', false],
  ['a/../b', false],
  ['a/./b', false],
  ['a b', false],
  ['a\nb', false],
  ['a/ü', false],
])('the key %j may be one: %s', (text, may) => {
  if (may) expect(objectKey(text)).toBe(text);
  else expect(() => objectKey(text)).toThrow(expect.objectContaining({ code: 'input-invalid' }));
});

test.each([
  [id, true],
  ['20261120T020000Z-7F3A9C', false],
  ['20261120T020000Z-7f3a9', false],
  ['20261120T020000Z-7f3a9cc', false],
  [`x${id}`, false],
  ['20261320T020000Z-7f3a9c', false],
  ['20260230T020000Z-7f3a9c', false],
  ['20260228T240000Z-7f3a9c', false],
  ['20280229T235959Z-7f3a9c', true],
  ['latest', false],
])('%s is the id of a backup: %s', (text, is) => {
  expect(isBackupId(text)).toBe(is);
});

test('what is no id is refused, and told where ids are listed', () => {
  expect(backupId(id)).toBe(id);
  expect(() => backupId('yesterday')).toThrow(
    expect.objectContaining({
      code: 'input-invalid',
      message: '"yesterday" is not the id of a backup',
      hint: 'an id looks like 20261120T020000Z-7f3a9c; see: nightjar list',
    }),
  );
  expect(() => objectKey('a//b')).toThrow('"a//b" is not the key of an object: "" can\'t be part of one');
});

test('a new database says what it holds of which moment, as far as there is room for its name', () => {
  const of = (database: string, part = {}) => newDatabaseName({ database, id }, part);

  expect(of('shop')).toBe('shop_20261120_020000');
  expect(of('shop', { schemaOnly: false })).toBe('shop_20261120_020000');
  expect(of('shop', { tables: ['orders'], schemaOnly: true })).toBe('shop_tables_20261120_020000');
  expect(of('shop', { schemaOnly: true })).toBe('shop_schema_20261120_020000');
  expect(of('x'.repeat(63))).toBe(`${'x'.repeat(47)}_20261120_020000`);
  expect(of('ü'.repeat(40))).toBe(`${'ü'.repeat(23)}_20261120_020000`);
  expect(nameWithTail('x'.repeat(59), '_old')).toBe(`${'x'.repeat(59)}_old`);
});

test('each thing of a source and of a backup has its place', () => {
  const odd = 'the shop' as SourceName;
  expect([manifestKey(odd, id), signatureKey(odd, id), partKey(odd, id, 'data/1'), pinKey(odd, id)]).toEqual(
    ['manifest.json', 'manifest.sig', 'data/1', 'pin.json'].map((file) => `the%20shop/${id}/${file}`),
  );
  expect([leaseKey(odd), ledgerKey(odd), serverKey(odd)]).toEqual([
    'the%20shop/lease.json',
    'the%20shop/ledger.json',
    '.servers/the%20shop.json',
  ]);
});
