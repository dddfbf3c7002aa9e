import { expect, test } from '@jest/globals';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import {
  besidePack,
  firstOfPack,
  linkKey,
  linkOf,
  linkText,
  looksLikeLink,
  packOf,
  packsPrefix,
} from '../../../../core/domain/layout/packs.ts';

// names that stand in vaults of people: each is written out here
const id = '20261120T020000Z-00000a' as BackupId;
const other = '20261121T020000Z-00000b';
const digest = '0f'.repeat(32);
const media = 'media' as SourceName;
const below = (path: string) => objectKey(`media/${id}/${path}`);

test('packs of a source lie below its place, those of a backup under its id', () => {
  expect(packsPrefix(media)).toBe('media/packs/');
  expect(packsPrefix('my shop' as SourceName, id)).toBe(`my%20shop/packs/${id}/`);
  expect(besidePack(objectKey(`my%20shop/packs/${id}/0001.tar.zst`))).toBe('my%20shop/packs/');
});

test.each([
  ['data/0001.tar.zst', `media/packs/${id}/0001.tar.zst`],
  [`data/10001.${digest}.layer`, `media/packs/${id}/10001.${digest}.layer`],
  ['data/0001.tar.zst.age', `media/packs/${id}/0001.tar.zst.age`],
  ['data/0001.sql.zst', undefined],
  ['data/1.tar.zst', undefined],
  ['manifest.json', undefined],
])('%s has the pack %s', (path, pack) => {
  expect(packOf(below(path))).toBe(pack);
});

test('what is no part of a backup has no pack', () => {
  for (const key of ['media/data/0001.tar.zst', 'media/20261320T020000Z-00000a/data/0001.tar.zst', 'data'])
    expect(packOf(objectKey(key))).toBeUndefined();
});

test.each([
  [`media/packs/${id}/0001.tar.zst`, { segment: 'media', id }],
  [`my%20shop/packs/${id}/0001.${digest}.layer`, { segment: 'my%20shop', id }],
  [`media/packs/${id}/0001.sql.zst`, undefined],
  [`media/packs/${id}/deeper/0001.tar.zst`, undefined],
  [`media/packs/${id}/0001.tar.zst/deeper`, undefined],
  [`media/packs/${id}`, undefined],
  ['media/packs/20261320T020000Z-00000a/0001.tar.zst', undefined],
  [`media/starts/${id}/0001.tar.zst`, undefined],
  ['media', undefined],
])('%s was stored first for %p', (key, first) => {
  expect(firstOfPack(objectKey(key))).toEqual(first);
});

const part = below('data/0003.tar.zst');
const pack = objectKey(`media/packs/${other}/00012.tar.zst`);
const link = `${part}.in-${other}-00012-7`;

test('a link says by its name whose it is, where the bytes are, and how many; and in its text, for people', () => {
  expect(linkKey({ part, pack, bytes: 7 })).toBe(link);
  expect(linkOf(objectKey(link))).toEqual({ part, pack, bytes: 7 });
  expect(linkText({ part, pack, bytes: 7 })).toBe(`packs/${other}/00012.tar.zst\n`);
  expect(linkOf(objectKey(`${part}.in-${other}-00012-0`))).toMatchObject({ bytes: 0 });
});

test.each([
  ['of another kind', objectKey(`media/packs/${other}/0001.${digest}.layer`), 7],
  ['of another source', objectKey(`shop/packs/${other}/0001.tar.zst`), 7],
  ['without a number', objectKey(`media/packs/${other}/x0001.tar.zst`), 7],
  ['of too few digits', objectKey(`media/packs/${other}/1.tar.zst`), 7],
  ['of no backup', objectKey('media/packs/all/0001.tar.zst'), 7],
  ['that lies nowhere', objectKey('media'), 7],
  ['of more bytes than a name may say', pack, 1e15],
])('a part has no link to a pack %s', (_, to, bytes) => {
  expect(linkKey({ part, pack: to, bytes })).toBeUndefined();
});

test('a part that no other backup may need has no link', () => {
  for (const path of ['data/0003.sql.zst', 'data/0003.sql.zst.age', 'schema.tar.zst'])
    expect(linkKey({ part: below(path), pack, bytes: 7 })).toBeUndefined();
});

test.each([
  [part],
  [`${part}.in-${other}-00012-07`],
  [`${part}.in-${other}-00012-7.bak`],
  [`${part}.in-${other}-12-7`],
  [`${part}.in-20261320T020000Z-00000a-00012-7`],
  [`${below('data/0003.sql.zst')}.in-${other}-00012-7`],
  [`${below('old/data/0003.tar.zst')}.in-${other}-00012-7`],
  [`media/all/data/0003.tar.zst.in-${other}-00012-7`],
  [`data/0003.tar.zst.in-${other}-00012-7`],
])('%s is no link that we follow', (key) => {
  expect(linkOf(objectKey(key))).toBeUndefined();
});

test.each([
  [link, true],
  [`${part}.in-another-form`, true],
  [below('data/x.in-'), true],
  [part, false],
  [below('old/data/0001.tar.zst.in-x'), false],
  [objectKey('media/data/x.in-y'), false],
])('of %s it is %p that it may be a link of some version', (key, may) => {
  expect(looksLikeLink(objectKey(key))).toBe(may);
});
