import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { post, postLimits } from '../../../core/telling/web/post.ts';
import type { Post } from '../../../core/telling/web/post.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import type { Endpoint } from '../../support/endpoints/endpoint.ts';

const limits = { ...postLimits, attemptMs: 5_000, firstWaitMs: 10, longestWaitMs: 10_000, totalMs: 20_000 };
const signal = (): AbortSignal => AbortSignal.timeout(40_000);
let endpoint: Endpoint;

beforeEach(async () => {
  endpoint = await startEndpoint(() => ({ status: 200, body: 'ok' }));
});
afterEach(() => endpoint.stop());

function request(path = '/hooks/t0k3n-of-the-channel', secrets: string[] = []): Post {
  return {
    to: 'pager',
    url: `${endpoint.url}${path}`,
    secrets,
    content: () => ({ headers: { 'content-type': 'application/json' }, body: '{}' }),
  };
}

test('429 is tried again after the seconds that Retry-After asks for', async () => {
  endpoint.refusals.push({ status: 429, headers: { 'retry-after': '1' } });

  await post(request(), signal(), limits);

  const [first, second] = endpoint.received;
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(990);
  expect(endpoint.accepted).toHaveLength(1);
});

test('Retry-After may be a date', async () => {
  const date = new Date(Date.now() + 1900).toUTCString();
  endpoint.refusals.push({ status: 503, headers: { 'retry-after': date } });

  await post(request(), signal(), limits);

  expect(endpoint.received).toHaveLength(2);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(date) - 10);
});

test('a wait longer than a run may take is a failure at once, which says so', async () => {
  endpoint.refusals.push({ status: 429, headers: { 'retry-after': '3600' } });
  const began = performance.now();

  await expect(post(request(), signal(), limits)).rejects.toMatchObject({
    code: 'notify-failed',
    afterMs: 3_600_000,
    message: 'pager answered 429; it asks to wait 1 h, longer than a run may',
  });
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(endpoint.received).toHaveLength(1);
});

test.each([500, 502, 503, 429, 408])('%d again and again is given up after four attempts', async (status) => {
  endpoint.refusals.push(...Array.from({ length: 9 }, () => ({ status, body: 'busy' })));

  await expect(post(request(), signal(), limits)).rejects.toMatchObject({
    code: 'notify-failed',
    message: `pager answered ${status}: busy (attempt 4)`,
  });
  expect(endpoint.received).toHaveLength(4);
});

test.each([400, 401, 403, 404, 410, 413])('%d is not tried again', async (status) => {
  endpoint.refusals.push({ status, body: 'no\nway' });

  await expect(post(request(), signal(), limits)).rejects.toMatchObject({
    message: `pager answered ${status}: no way (not tried again)`,
  });
  expect(endpoint.received).toHaveLength(1);
});

test('a redirect is not followed: it would hand on what is secret', async () => {
  const other = await startEndpoint(() => ({ status: 200 }));
  endpoint.refusals.push({ status: 307, headers: { location: `${other.url}/elsewhere` } });

  await expect(post(request(), signal(), limits)).rejects.toMatchObject({
    message: 'pager answered 307 (not tried again)',
  });
  expect(other.received).toEqual([]);
  await other.stop();
});

test('what a service says back shows neither the address nor a secret', async () => {
  const path = '/hooks/t0k3n-of-the-channel?key=s3cret';
  endpoint.refusals.push({
    status: 400,
    body: `POST ${endpoint.url}${path} (t0k3n-alone): hooks/t0k3n-of-the-channel is gone; key=s3cret`,
  });

  const error: unknown = await post(request(path, ['t0k3n-alone']), signal(), limits).catch(
    (reason: unknown) => reason,
  );

  expect(error).toMatchObject({ message: 'pager answered 400: POST *** (***): *** is gone; *** (not tried again)' });
  expect(error).not.toHaveProperty('cause');
});

test('an endless answer is not read to its end', async () => {
  endpoint.refusals.push({ status: 400, body: 'x'.repeat(5_000_000) });

  const error = (await post(request(), signal(), limits).catch((reason: unknown) => reason)) as Error;

  expect(error.message.length).toBeLessThan(300);
});

test('nobody there is an error that names the reason', async () => {
  const gone = { ...request(), url: 'http://127.0.0.1:1/hooks/t0k3n' };

  const error = (await post(gone, signal(), limits).catch((reason: unknown) => reason)) as Error;

  expect(error.message).toMatch(/^pager could not be reached: (.*ECONNREFUSED.*|bad port) \(attempt 4\)$/);
});

test('a stop ends a wait at once', async () => {
  endpoint.refusals.push({ status: 429, headers: { 'retry-after': '10' } });
  const began = performance.now();

  await expect(post(request(), AbortSignal.timeout(500), limits)).rejects.toMatchObject({ code: 'aborted' });
  expect(performance.now() - began).toBeLessThan(9_000);
});
