import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { abortError } from '../../../domain/errors.ts';
import type { DumpReader } from '../../../pipeline/rows/reader.ts';
import { factsOf, tallyOf } from '../facts.ts';
import type { PathFacts } from '../facts.ts';
import type { StoredEntry } from './header.ts';
import { tarParser } from './parser.ts';
import { oneTableComment } from './program.ts';

/** A reader of a part that also knows what was in it, by paths: of one that stands in it twice, the last. */
export type TarReader = DumpReader & { facts(): ReadonlyMap<string, PathFacts> };

/** What is to be done with what has passed; a number: so many zeros follow. */
type TarStep = (() => void) | number;

const zeros = Buffer.alloc(1024 ** 2);
/** So much of a hole is hashed before others get their turn: a few bytes of a tar may stand for any number of zeros. */
const turnBytes = 64 * zeros.length;

/** Counts and hashes what is in a tar as it passes by. */
export function tarReader(signal?: AbortSignal): TarReader {
  const found = new Map<string, PathFacts>();
  let [bytes, rows, wrong] = [0, 0, false];
  let oneTable = false;
  let reading: { entry: StoredEntry; hash: Hash } | undefined;
  let steps: TarStep[] = [];
  const parser = tarParser({
    comment(text) {
      oneTable = text === oneTableComment;
    },
    entry: (entry) => void steps.push(() => (reading = { entry, hash: createHash('sha256') })),
    data: (chunk) => void steps.push(() => reading?.hash.update(chunk)),
    hole: (length) => void steps.push(length),
    done: () => void steps.push(done),
  });

  function done(): void {
    const { entry, hash } = reading!;
    found.set(entry.path, factsOf(entry, entry.kind === 'file' ? hash.digest('hex') : ''));
    if (entry.kind !== 'folder') rows += 1;
  }

  function hashZeros(length: number): void {
    for (let left = length; left > 0; left -= zeros.length) reading?.hash.update(zeros.subarray(0, left));
  }

  async function takeInTurns(all: readonly TarStep[]): Promise<void> {
    let inTurn = 0;
    for (const step of all) {
      if (typeof step === 'function') step();
      else
        for (let left = step; left > 0; left -= turnBytes) {
          hashZeros(Math.min(left, turnBytes));
          inTurn += Math.min(left, turnBytes);
          if (inTurn >= turnBytes) await nextTurn(signal);
          inTurn %= turnBytes;
        }
    }
  }

  return {
    write(chunk) {
      bytes += chunk.length;
      try {
        if (!wrong) parser.write(chunk);
      } catch {
        wrong = true;
      }
      const all = steps;
      steps = [];
      if (zerosIn(all) >= turnBytes) return takeInTurns(all);
      for (const step of all) typeof step === 'function' ? step() : hashZeros(step);
    },
    end: () => ({ tables: tallyOf(found.values(), oneTable), ended: !wrong && parser.ended() }),
    progress: () => ({ rows, bytes }),
    facts: () => found,
  };
}

function zerosIn(steps: readonly TarStep[]): number {
  return steps.reduce<number>((sum, step) => sum + (typeof step === 'number' ? step : 0), 0);
}

async function nextTurn(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw abortError(signal);
}
