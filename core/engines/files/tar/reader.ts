import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { DumpReader } from '../../../pipeline/rows/reader.ts';
import { factsOf, tallyOf } from '../facts.ts';
import type { PathFacts } from '../facts.ts';
import type { StoredEntry } from './header.ts';
import { tarParser } from './parser.ts';
import { oneTableComment } from './program.ts';

/** A reader of a part that also knows what was in it: of a name that stands in it twice, the last. */
export type TarReader = DumpReader & { facts(): PathFacts[] };

const zeros = Buffer.alloc(1024 ** 2);

/** Counts and hashes what is in a tar as it passes by. */
export function tarReader(): TarReader {
  const found = new Map<string, PathFacts>();
  let [bytes, rows, wrong] = [0, 0, false];
  let oneTable = false;
  let reading: { entry: StoredEntry; hash: Hash } | undefined;
  const parser = tarParser({
    comment(text) {
      oneTable = text === oneTableComment;
    },
    entry(entry) {
      reading = { entry, hash: createHash('sha256') };
    },
    data: (chunk) => void reading?.hash.update(chunk),
    hole(length) {
      for (let left = length; left > 0; left -= zeros.length) reading?.hash.update(zeros.subarray(0, left));
    },
    done() {
      const { entry, hash } = reading!;
      found.set(entry.path, factsOf(entry, entry.kind === 'file' ? hash.digest('hex') : ''));
      if (entry.kind !== 'folder') rows += 1;
    },
  });
  return {
    write(chunk) {
      bytes += chunk.length;
      try {
        if (!wrong) parser.write(chunk);
      } catch {
        wrong = true;
      }
    },
    end: () => ({ tables: tallyOf(found.values(), oneTable), ended: !wrong && parser.ended() }),
    progress: () => ({ rows, bytes }),
    facts: () => [...found.values()],
  };
}
