import { setImmediate } from 'node:timers/promises';
import { abortError } from '../../../domain/errors.ts';
import type { DumpReader } from '../../../pipeline/rows/reader.ts';
import { tallyOf } from '../facts.ts';
import { contentHash } from './content-hash.ts';
import type { ContentHash } from './content-hash.ts';
import type { StoredEntry } from './header.ts';
import { packedFacts } from './packed-facts.ts';
import type { FactsByPath } from './packed-facts.ts';
import { tarParser } from './parser.ts';
import type { TarEvents } from './parser.ts';
import { oneTableComment } from './program.ts';

/** A reader of a part that also knows its entries. */
export type TarReader = DumpReader & { facts(): FactsByPath };

/**
 * Counts and hashes the events of a parser. Everything told so far is processed once `settle` resolves; rows and tables
 * then include it.
 */
export type TarCounting = {
  events: TarEvents;
  settle(): void | Promise<void>;
  rows(): number;
  tables(): ReturnType<typeof tallyOf>;
  facts: FactsByPath;
};

/** Work on what has passed; a number: so many zero bytes follow. */
type TarStep = (() => void) | number;

/** After so many bytes of a hole, other work gets its turn: a few bytes of a tar may stand for any number of zeros. */
const turnBytes = 64 * 1024 ** 2;

/** Nothing counted yet. */
export function tarCounting(signal?: AbortSignal): TarCounting {
  const found = packedFacts();
  let [rows, oneTable, zeros] = [0, false, 0];
  let reading: { entry: StoredEntry; hash: ContentHash } | undefined;
  /** What has to wait, and everything after it. */
  let steps: TarStep[] = [];

  const inTurn = (step: () => void): void => void (steps.length === 0 ? step() : steps.push(step));

  function done(): void {
    const { entry, hash } = reading!;
    found.add(entry, entry.kind === 'file' ? hash.digest() : '');
    if (entry.kind !== 'folder') rows += 1;
  }

  async function takeInTurns(all: readonly TarStep[]): Promise<void> {
    let hashed = 0;
    for (const step of all) {
      if (typeof step === 'function') step();
      else
        for (let left = step; left > 0; left -= turnBytes) {
          reading?.hash.zeros(Math.min(left, turnBytes));
          hashed += Math.min(left, turnBytes);
          if (hashed >= turnBytes) await nextTurn(signal);
          hashed %= turnBytes;
        }
    }
  }

  return {
    events: {
      comment(text) {
        oneTable = text === oneTableComment;
      },
      entry: (entry) => inTurn(() => (reading = { entry, hash: contentHash(entry.size) })),
      data: (chunk) => inTurn(() => reading?.hash.update(chunk)),
      hole(length) {
        zeros += length;
        if (zeros >= turnBytes) steps.push(length);
        else inTurn(() => reading?.hash.zeros(length));
      },
      done: () => inTurn(done),
    },
    settle() {
      const all = steps;
      [steps, zeros] = [[], 0];
      return all.length > 0 ? takeInTurns(all) : undefined;
    },
    rows: () => rows,
    tables: () => tallyOf(found.all(), oneTable),
    facts: found,
  };
}

/** Counts and hashes the content of a tar as it passes. */
export function tarReader(signal?: AbortSignal): TarReader {
  const counting = tarCounting(signal);
  const parser = tarParser(counting.events);
  let [bytes, wrong] = [0, false];
  return {
    write(chunk) {
      bytes += chunk.length;
      try {
        if (!wrong) parser.write(chunk);
      } catch {
        wrong = true;
      }
      return counting.settle();
    },
    end: () => ({ tables: counting.tables(), ended: !wrong && parser.ended() }),
    progress: () => ({ rows: counting.rows(), bytes }),
    facts: () => counting.facts,
  };
}

async function nextTurn(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw abortError(signal);
}
