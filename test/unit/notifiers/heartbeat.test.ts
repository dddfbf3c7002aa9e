import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { RunEnded } from '../../../core/contract/events/run-ended.ts';
import { messageOf } from '../../../core/domain/errors.ts';
import { heartbeatHook } from '../../../core/telling/hooks/heartbeat.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import type { Endpoint } from '../../support/endpoints/endpoint.ts';

const place = '/ping/5ad0e2bb-sEcReT';
const event: RunEnded = {
  version: 1,
  verb: 'check',
  status: 'succeeded',
  run: '4f2a91c0',
  vault: 's3://acme-backups/prod',
  at: '2026-11-21T02:00:41.000Z',
  seconds: 1.2,
};
const failed: RunEnded = {
  ...event,
  status: 'failed',
  error: { code: 'vault-unreachable', message: 's3://acme-backups/prod: db.internal is down' },
};
let endpoint: Endpoint;

beforeAll(async () => {
  endpoint = await startEndpoint(() => ({ status: 200, body: 'OK' }));
});
beforeEach(() => {
  endpoint.accepted.length = 0;
});
afterAll(() => endpoint.stop());

const heartbeat = (tail = '') => heartbeatHook(async () => `${endpoint.url}${place}${tail}`);
const call = (one: RunEnded, tail?: string) => heartbeat(tail).call(one, AbortSignal.timeout(20_000));
const heard = () => endpoint.accepted.map(({ path, body }) => [path, body]);

test('it hears of every check, and of nothing else', () => {
  const { wants } = heartbeat();

  expect([event, failed].map(wants)).toEqual([true, true]);
  const others: RunEnded[] = [
    { ...event, verb: 'backup', source: 'shop' },
    { ...event, status: 'skipped' },
  ];
  expect(others.map(wants)).toEqual([false, false]);
});

test('a good check calls the address, a failed one the address with /fail; nothing of the vault leaves', async () => {
  await call(event);
  await call(failed);
  await call(failed, '/?create=1');

  expect(heard()).toEqual([
    [place, 'check succeeded after 1.2 s'],
    [`${place}/fail`, 'check failed after 1.2 s: vault-unreachable'],
    [`${place}/fail?create=1`, 'check failed after 1.2 s: vault-unreachable'],
  ]);
});

test('an address that refuses is a hook that failed, and is not shown', async () => {
  endpoint.refusals.push({ status: 404, body: `no check at ${place}` });

  const error: unknown = await call(event).catch((refused: unknown) => refused);

  expect(error).toMatchObject({
    code: 'hook-failed',
    message: expect.stringContaining('the heartbeat was not heard'),
    hint: expect.stringContaining('nightjar check'),
  });
  expect(messageOf(error)).not.toContain('sEcReT');
});

test('an address without TLS is none, and is not shown', async () => {
  const plain = heartbeatHook(async () => 'http://hc.example/ping/sEcReT');

  const error: unknown = await plain.call(event, AbortSignal.timeout(20_000)).catch((refused: unknown) => refused);

  expect(error).toMatchObject({ code: 'hook-failed', message: expect.stringContaining('no https URL') });
  expect(JSON.stringify(error) + messageOf(error)).not.toContain('sEcReT');
});
