import { expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { interruptible, sleep, withGrace } from '../../../core/vaults/waiting.ts';
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
