import { expect, test } from '@jest/globals';
import { authorityRegion, rdsRegion } from '../../../core/domain/tools/rds-endpoint.ts';
import { toolsNotices } from '../../../core/domain/tools/notices.ts';
import type { ToolsFacts } from '../../../core/domain/tools/notices.ts';

const now = new Date('2026-11-28T12:00:00Z');
const days = (count: number) => new Date(now.getTime() + count * 86_400_000);
const kinds = ['RSA2048', 'RSA4096', 'ECC384'];
const bundle = (region: string, until: Date) =>
  kinds.map((kind) => ({ name: `Amazon RDS ${region} Root CA ${kind} G1`, until }));
const facts: ToolsFacts = { pinnedAt: days(-10), fixes: [], authorities: bundle('eu-west-1', days(9000)) };
const texts = (some: Partial<ToolsFacts>, ...regions: string[]) =>
  toolsNotices(
    { ...facts, ...some },
    regions.map((region) => ({ source: 'shop', region })),
    now,
  ).map(({ text }) => text);

test('young pins without fixes, and authorities that last: nothing to say', () => {
  expect(texts({}, 'eu-west-1')).toEqual([]);
  expect(texts({ fixes: undefined, pinnedAt: undefined, authorities: undefined }, 'cn-north-1')).toEqual([]);
});

test('pins of four months ago are old', () => {
  expect(texts({ pinnedAt: days(-119) })).toEqual([]);
  expect(texts({ pinnedAt: days(-120) })).toEqual([
    'the database clients were pinned 120 days ago: they lack what was fixed since',
  ]);
});

test('fixes are named with what is pinned, the first five', () => {
  const fixes = Array.from({ length: 7 }, (_, n) => ({ name: `lib${n}`, pinned: '1-1', fixed: '1-1+deb13u1' }));

  expect(texts({ fixes: fixes.slice(0, 1) })).toEqual([
    'the distribution has security fixes for what the database clients are made of: lib0 1-1 → 1-1+deb13u1',
  ]);
  expect(texts({ fixes })[0]).toMatch(/lib4 1-1 → 1-1\+deb13u1, and 2 more$/);
});

test('an authority that a configured source needs is told 60 days before it expires, and after', () => {
  const later = days(61);
  const soon = days(59);

  expect(texts({ authorities: bundle('eu-west-1', later) }, 'eu-west-1')).toEqual([]);
  expect(texts({ authorities: bundle('eu-west-1', soon) }, 'eu-west-1')).toHaveLength(3);
  expect(texts({ authorities: bundle('eu-west-1', soon) }, 'eu-west-1')[0]).toMatch(
    /^shop: the authority Amazon RDS eu-west-1 Root CA RSA2048 G1 expires on 2027-01-26: /,
  );
  expect(texts({ authorities: bundle('eu-west-1', days(-3)) }, 'eu-west-1')[0]).toContain('expired on 2026-11-25');
  expect(texts({ authorities: [...bundle('eu-west-1', later), ...bundle('us-east-1', soon)] }, 'eu-west-1')).toEqual(
    [],
  );
});

test('a region without an authority is told by name, with what can be done about it', () => {
  const [fetchable, other] = ['il-central-1', 'eusc-de-east-1'].map(
    (region) => toolsNotices(facts, [{ source: 'shop', region }], now)[0],
  );

  expect(fetchable).toEqual({
    text: "shop: the layer has no authority of Amazon RDS for il-central-1: its server can't be verified",
    hint: expect.stringContaining('NIGHTJAR_RDS_TRUSTSTORE'),
  });
  expect(other?.hint).toMatch(/tls: \{ ca: .*brings none for this partition/);
});

test.each([
  ['shop.c1x2.eu-west-1.rds.amazonaws.com', 'eu-west-1'],
  ['shop.cluster-ro-c1x2.us-gov-west-1.rds.amazonaws.com', 'us-gov-west-1'],
  ['shop.proxy-c1x2.il-central-1.rds.amazonaws.com', 'il-central-1'],
  ['shop.c1x2.rds.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ['SHOP.C1X2.CN-NORTHWEST-1.RDS.AMAZONAWS.COM.CN', 'cn-northwest-1'],
  ['shop.c1x2.eusc-de-east-1.rds.amazonaws.eu', 'eusc-de-east-1'],
  ['shop.c1x2.us-iso-east-1.rds.c2s.ic.gov', 'us-iso-east-1'],
  ['shop.c1x2.eu-west-1.rds.amazonaws.com.evil.example', undefined],
  ['rds.eu-west-1.amazonaws.com', undefined],
  ['db.example.com', undefined],
])('the region of %s is %s', (host, region) => {
  expect(rdsRegion(host)).toBe(region);
});

test('a proxy needs no authority of its region', () => {
  const proxy = 'shop.proxy-c1x2.il-central-1.rds.amazonaws.com';

  expect([
    rdsRegion(proxy),
    authorityRegion(proxy),
    authorityRegion('shop.endpoint.proxy-c1x2.il-central-1.rds.amazonaws.com'),
  ]).toEqual(['il-central-1', undefined, undefined]);
  expect(authorityRegion('proxy-shop.c1x2.il-central-1.rds.amazonaws.com')).toBe('il-central-1');
});
