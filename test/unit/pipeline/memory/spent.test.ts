import { expect, test } from '@jest/globals';
import { giveBack, readOnce, spending } from '../../../../core/pipeline/memory/spent.ts';

const block = (): Buffer => Buffer.allocUnsafeSlow(64 * 1024);

test('memory that was made to be read once is given back, and all other memory is left alone', () => {
  const [once, others] = [readOnce(block()), block()];

  for (const chunk of [once, others]) giveBack(chunk.buffer);

  expect([once.length, others.length]).toEqual([0, 64 * 1024]);
});

test('a chunk of the pool that Node shares out is never given back', () => {
  const [small, neighbour] = [readOnce(Buffer.from('small')), Buffer.from('neighbour')];

  giveBack(small.buffer);

  expect([small.toString(), neighbour.toString()]).toEqual(['small', 'neighbour']);
});

test('whoever hands chunks on gives back what is gone, and not what is still waiting', () => {
  const [first, second, third] = [readOnce(block()), readOnce(block()), readOnce(block())];
  const { passed } = spending();

  passed(first, false);
  passed(second, false);
  expect([first.length, second.length]).toEqual([64 * 1024, 64 * 1024]);

  passed(third, true);
  expect([first.length, second.length, third.length]).toEqual([0, 0, 64 * 1024]);
});

test('a chunk that another one of the same memory follows is kept for it', () => {
  const memory = readOnce(block());
  const { passed } = spending();

  passed(memory.subarray(0, 1000), true);
  passed(memory.subarray(1000), true);

  expect(memory).toHaveLength(64 * 1024);
});

test('what a chunk was copied from goes with it, where nothing more comes of that', () => {
  const [begun, ended] = [readOnce(block()), readOnce(block())];
  const copies = [begun.subarray(0, 1000), ended.subarray(1000)].map((part) =>
    readOnce(Buffer.concat([Buffer.alloc(64 * 1024), part]), part),
  );

  for (const { buffer } of copies) giveBack(buffer);

  expect([...copies, begun, ended].map(({ length }) => length)).toEqual([0, 0, 64 * 1024, 0]);
});
