import { expect, test } from '@jest/globals';
import { tlsChoice } from '../../../core/contract/config/sources/server.ts';
import { nearest } from '../../../core/domain/nearest.ts';

test.each([
  ['localhost', undefined, { mode: 'off' }],
  ['127.0.0.1', undefined, { mode: 'off' }],
  ['127.1.2.3', undefined, { mode: 'off' }],
  ['::1', undefined, { mode: 'off' }],
  ['localhost', 'verify', { mode: 'verify', ca: 'public' }],
  ['127.0.0.1.example.com', undefined, { mode: 'verify', ca: 'public' }],
  ['10.0.0.5', undefined, { mode: 'verify', ca: 'public' }],
  ['db.internal', 'off', { mode: 'off' }],
  ['db.internal', { ca: './ca.pem' }, { mode: 'verify', ca: './ca.pem' }],
  ['shop.c1x2.eu-west-1.rds.amazonaws.com', undefined, { mode: 'verify', ca: 'rds' }],
  ['shop.c1x2.eu-west-1.rds.amazonaws.com', { ca: 'public' }, { mode: 'verify', ca: 'public' }],
  ['rds.amazonaws.com.evil.example', undefined, { mode: 'verify', ca: 'public' }],
] as const)('TLS to %s, written as %p, is %p', (host, tls, expected) => {
  expect(tlsChoice({ host, tls: typeof tls === 'object' ? { ...tls } : tls })).toEqual(expected);
});

test.each([
  ['retension', 'retention'],
  ['hots', 'host'],
  ['Databse', 'database'],
  ['xyz', undefined],
  ['u', undefined],
])('%s was meant to be %s', (text, meant) => {
  expect(nearest(text, ['host', 'user', 'database', 'retention'])).toBe(meant);
});
