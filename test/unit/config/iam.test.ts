import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import type { SourceName } from '../../../core/domain/keys.ts';

const iam = (host: string, keys = '') =>
  parseConfig(
    `vault: v\nsources: { shop: { postgres: { host: ${host}, database: d, user: u, password: iam${keys} } } }`,
    'nightjar.yaml',
  );
const shop = 'shop' as SourceName;

test('a password of iam is taken where TLS is verified, by itself or because somebody wrote so', () => {
  expect(iam('shop.c1x2.eu-west-1.rds.amazonaws.com').sources.get(shop)?.at).toMatchObject({ password: 'iam' });
  expect(iam('127.0.0.1', ', tls: { ca: ca.pem }').sources.get(shop)?.at).toMatchObject({ password: 'iam' });
});

test.each([
  ['plain text was asked for', () => iam('db.internal', ', tls: off')],
  ['this machine is reached in plain text', () => iam('localhost')],
])('a token would go over the wire as it is: refused where %s', (_, parse) => {
  expect(parse).toThrow(
    'sources.shop.postgres.tls: with password: iam the token goes over TLS alone: write verify, or { ca: … }',
  );
});

test('a token is told together with what else is wrong', () => {
  expect(() => iam('localhost', ', port: 0')).toThrow(
    /has 2 problems:.*port: expected a whole number.*tls: with password: iam/s,
  );
});
