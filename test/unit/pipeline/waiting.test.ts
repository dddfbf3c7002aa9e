import { getEventListeners } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { interruptible, sleep, untilAborted, withGrace } from '../../../core/pipeline/waiting.ts';
import { chunks, never } from '../../contract/vault/vault-data.ts';

const late = new BackupError('vault-unreachable', 'too late');

test('a stream that is read to its end has all its chunks', async () => {
  const given = [Buffer.from('a'), Buffer.from(''), Buffer.from('b')];

  expect(await Array.fromAsync(interruptible(chunks(...given), new AbortController().signal))).toEqual(given);
});

test('a hanging stream is left when the signal aborts, with the reason of the signal', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(late), 20);

  await expect(Array.fromAsync(interruptible(never(), stop.signal))).rejects.toBe(late);
});

test('a stream that is left early is told to end', async () => {
  let ended = false;
  async function* source() {
    try {
      for (;;) yield Buffer.from('x');
    } finally {
      ended = true;
    }
  }

  for await (const _ of interruptible(source(), new AbortController().signal)) break;

  expect(ended).toBe(true);
});

test('a short write may end after the abort, within its grace', async () => {
  const stop = new AbortController();
  const write = withGrace(
    { graceMs: 5_000, limitMs: 10_000, late },
    (own) => sleep(100, own).then(() => 'written'),
    stop.signal,
  );
  stop.abort();

  expect(await write).toBe('written');
});

test('a short write that does not end is stopped after its grace, and after its limit', async () => {
  const stop = new AbortController();
  const stopped = withGrace({ graceMs: 20, limitMs: 10_000, late }, (own) => sleep(60_000, own), stop.signal);
  stop.abort();

  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  await expect(
    withGrace({ graceMs: 20, limitMs: 20, late }, (own) => sleep(60_000, own), new AbortController().signal),
  ).rejects.toBe(late);
});

const signalOf = () => new AbortController().signal;
const heard = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

const { setTimeout: start, clearTimeout: stopClock } = globalThis;
afterEach(() => void Object.assign(globalThis, { setTimeout: start, clearTimeout: stopClock }));

/** From now on in a test: how many clocks run that were started since. */
function watchedClocks(): () => number {
  const running = new Set<unknown>();
  globalThis.setTimeout = ((...given: Parameters<typeof start>) => {
    const clock = start(...given);
    running.add(clock);
    return clock;
  }) as typeof start;
  globalThis.clearTimeout = (clock) => {
    running.delete(clock);
    stopClock(clock);
  };
  return () => running.size;
}

/** A stream by hand: each chunk is given when it is asked for, and it is told what became of it. */
function source(next: () => Promise<IteratorResult<Uint8Array>>) {
  const told = { ended: 0, isEnding: Promise.resolve() };
  const iterator = {
    next,
    return: async () => {
      told.ended += 1;
      await told.isEnding;
      return { done: true as const, value: undefined };
    },
  };
  return { told, body: { [Symbol.asyncIterator]: () => iterator } as AsyncIterable<Uint8Array> };
}
const chunk = async () => ({ done: false as const, value: Buffer.from('x') });

test('whoever is stopped already reads nothing of a stream, and it is told to end', async () => {
  const did: string[] = [];
  const { told, body } = source(() => (did.push('asked'), chunk()));
  told.isEnding = new Promise<void>((done) => setImmediate(done)).then(() => void did.push('ended'));
  const stopped = AbortSignal.abort(late);

  await expect(Array.fromAsync(interruptible(body, stopped))).rejects.toBe(late);

  expect([did, told.ended]).toEqual([['ended'], 1]);
});

test('a stream that fails, or has ended, is not told to end, and nobody hears of a stop any more', async () => {
  const broken = new Error('broken');
  const failing = source(() => Promise.reject(broken));
  const ended = source(async () => ({ done: true, value: undefined }));
  const signal = signalOf();

  await expect(Array.fromAsync(interruptible(failing.body, signal))).rejects.toBe(broken);
  expect(await Array.fromAsync(interruptible(ended.body, signal))).toEqual([]);

  expect([failing.told.ended, ended.told.ended, heard(signal)]).toEqual([0, 0, 0]);
});

test('a stream that hangs is told to end, and not waited for; one that has given its chunk is waited for', async () => {
  const hanging = source(() => new Promise(() => undefined));
  hanging.told.isEnding = new Promise(() => undefined);
  const stop = new AbortController();
  const reading = Array.fromAsync(interruptible(hanging.body, stop.signal));
  await new Promise(setImmediate);
  expect(heard(stop.signal)).toBe(1);
  stop.abort(late);
  await expect(reading).rejects.toBe(late);
  expect(hanging.told.ended).toBe(1);

  const order: string[] = [];
  const pausing = source(chunk);
  pausing.told.isEnding = new Promise<void>((done) => setImmediate(done)).then(() => void order.push('ended'));
  for await (const _ of interruptible(pausing.body, signalOf())) break;
  order.push('left');
  expect(order).toEqual(['ended', 'left']);
});

test('a stream that fails to end, or can’t be told to, is left all the same', async () => {
  const failing = source(chunk);
  failing.told.isEnding = Promise.reject(new Error('no end'));
  failing.told.isEnding.catch(() => undefined);
  for await (const _ of interruptible(failing.body, signalOf())) break;

  const endless = { [Symbol.asyncIterator]: () => ({ next: chunk }) };
  for await (const _ of interruptible(endless, signalOf())) break;
});

test('work is waited for until the signal aborts, or not at all, and nothing is left of the wait', async () => {
  const never = new Promise<never>(() => undefined);
  const stop = new AbortController();
  expect(await untilAborted(Promise.resolve(7), stop.signal)).toBe(7);
  expect(heard(stop.signal)).toBe(0);
  const waiting = untilAborted(never, stop.signal);
  expect(heard(stop.signal)).toBe(1);
  stop.abort(late);
  await expect(waiting).rejects.toBe(late);
  await expect(untilAborted(never, stop.signal)).rejects.toBe(late);

  const clocks = watchedClocks();
  const wake = new AbortController();
  const sleeping = sleep(60_000, wake.signal);
  expect(clocks()).toBe(1);
  wake.abort(late);
  await expect(sleeping).rejects.toBe(late);
  expect(clocks()).toBe(0);
});

test('a short write is not begun for who is stopped, and leaves no clock and nobody who hears of a stop', async () => {
  const limits = { graceMs: 60_000, limitMs: 60_000, late };
  let begun = 0;
  await expect(
    withGrace(limits, async () => void (begun += 1), AbortSignal.abort(new Error('stop'))),
  ).rejects.toMatchObject({ code: 'aborted' });
  expect(begun).toBe(0);

  const clocks = watchedClocks();
  const stop = new AbortController();
  await withGrace(limits, async () => expect(heard(stop.signal)).toBe(1), stop.signal);
  expect([clocks(), heard(stop.signal)]).toEqual([0, 0]);
  let during: number[] = [];
  await withGrace(
    limits,
    async () => {
      during = [clocks(), heard(stop.signal)];
      stop.abort();
      during.push(clocks());
    },
    stop.signal,
  );

  expect(during).toEqual([1, 1, 2]);
  expect([clocks(), heard(stop.signal)]).toEqual([0, 0]);
});
