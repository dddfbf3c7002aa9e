import { expect, test } from '@jest/globals';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import {
  besidePack,
  firstOfPack,
  linkKey,
  linkOf,
  linkText,
  looksLikeLink,
  packOf,
  packsPrefix,
} from '../../../core/domain/layout/packs.ts';

// The names of docs/backup-format.md, written out by hand: what one version has written, each later one has to read.
const first = '20261110T020000Z-00000a' as BackupId;
const later = '20261114T020000Z-00000b';
const part = objectKey(`shop/${later}/data/0012.tar.zst`);
const pack = objectKey(`shop/packs/${first}/0001.tar.zst`);
const link = objectKey(`shop/${later}/data/0012.tar.zst.in-${first}-0001-4096`);

test('packs lie beside the backups of their source, and a backup’s own below its name', () => {
  expect(packsPrefix('shop' as SourceName)).toBe('shop/packs/');
  expect(packsPrefix('a/b' as SourceName, first)).toBe(`a%2Fb/packs/${first}/`);
  expect(besidePack(pack)).toBe('shop/packs/');
});

test('the pack of a part is called as the part is; what no other backup may need has none', () => {
  expect(packOf(objectKey(`shop/${first}/data/0001.tar.zst`))).toBe(pack);
  for (const other of [
    `shop/${first}/data/0001.sql.zst`,
    `shop/${first}/data/0001.tar.zst.age`,
    `shop/${first}/schema.sql.zst`,
    'shop/lease.json',
  ])
    expect(packOf(objectKey(other))).toBeUndefined();
});

test('a pack says which backup it was stored for', () => {
  expect(firstOfPack(pack)).toEqual({ segment: 'shop', id: first });
  for (const other of [
    `shop/${first}/data/0001.tar.zst`,
    `shop/pack/${first}/0001.tar.zst`,
    'shop/packs',
    `shop/packs/${first}`,
    `shop/packs/${first}/0001.sql.zst`,
    `shop/packs/${first}/0001.tar.zst/more`,
    'shop/packs/20261310T020000Z-00000a/0001.tar.zst',
  ])
    expect(firstOfPack(objectKey(other))).toBeUndefined();
});

test('a link is what its name says, written down and read again', () => {
  const said = { part, pack, bytes: 4096 };

  expect([linkKey(said), linkOf(link), linkText(said)]).toEqual([link, said, `packs/${first}/0001.tar.zst\n`]);
  expect(linkOf(objectKey(`${part}.in-${first}-10001-0`))).toEqual({
    part,
    pack: `shop/packs/${first}/10001.tar.zst`,
    bytes: 0,
  });
});

test.each([
  ['a part of another kind than the pack', { pack: objectKey(`shop/packs/${first}/0001.${'ab'.repeat(32)}.blob`) }],
  ['a pack of another source', { pack: objectKey(`blog/packs/${first}/0001.tar.zst`) }],
  ['what is no pack', { pack: objectKey(`shop/packs/${first}/x1.tar.zst`) }],
  ['what has no name of a pack’s length', { pack: objectKey('shop/packs') }],
  ['a part that none may share', { part: objectKey(`shop/${later}/schema.sql`) }],
])('there is no link to or from %s', (_, wrong) => {
  expect(linkKey({ part, pack, bytes: 1, ...wrong })).toBeUndefined();
});

test('what is called nearly as a link is none; what may be one of another version looks like one', () => {
  const near = [
    `shop/${later}/data/0012.tar.zst.in-20261310T020000Z-00000a-0001-1`,
    `shop/${later}/data/0012.sql.zst.in-${first}-0001-1`,
    `shop/${later}/data/0012.tar.zst.in-${first}-0001-01`,
    `shop/${later}/data/12.tar.zst.in-${first}-0001-1`,
    `shop/${later}/data/0012.tar.zst.in-elsewhere`,
  ].map(objectKey);

  expect(near.map(linkOf)).toEqual(near.map(() => undefined));
  expect([link, ...near].map(looksLikeLink)).toEqual([link, ...near].map(() => true));
  for (const other of [part, pack, objectKey(`shop/${later}/old/data/a.in-b`), objectKey('a.in-b')])
    expect([linkOf(other), looksLikeLink(other)]).toEqual([undefined, false]);
});
