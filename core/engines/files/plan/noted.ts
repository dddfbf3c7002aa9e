import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { PartNotes } from '../../../ports.ts';
import { kindNames } from '../facts.ts';
import type { PathFacts } from '../facts.ts';
import { nameOf } from '../names.ts';
import type { PathKind } from '../tar/header.ts';
import type { FactsByPath } from '../tar/packed-facts.ts';

/**
 * What was noted while a part was made. `entries`: everything that is stored, for `entriesIn`, compressed by zstd
 * (bytes, one letter each), because there may be a million; `vanished`: nothing of it is stored; `unsteady`: it was
 * changed or removed each time that it was read.
 */
export type Noted = { entries: string; vanished: string[]; unsteady: string[] };

/** What was noted of a path; `state`: its state, if that was asked for. */
export type NotedEntry = { path: string; state: string; facts: PathFacts };

const kinds = Object.keys(kindNames) as PathKind[];
/** Nothing that is noted contains it. */
const end = '\0';
const quick = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Facts and states, by path, as one text. */
export function writtenNotes(facts: FactsByPath, states: { get(path: string): string | undefined }): string {
  let entries = '';
  for (let at = 0; at < facts.size; at += 1) {
    const path = facts.pathAt(at);
    const { kind, owner, size, value } = facts.at(at);
    entries += `${kinds.indexOf(kind)} ${owner} ${size} ${states.get(path) ?? ''}${end}${path}${end}${value}${end}`;
  }
  return zstdCompressSync(Buffer.from(entries), quick).toString('latin1');
}

/** What was noted of a part. */
export function notedIn({ counted }: PartNotes): Noted {
  return counted as unknown as Noted;
}

/** Every entry of a part, in the order of its tar. */
export function* entriesIn({ entries: packed }: Pick<Noted, 'entries'>): Iterable<NotedEntry> {
  const entries = zstdDecompressSync(Buffer.from(packed, 'latin1')).toString();
  for (let at = 0; at < entries.length; ) {
    const first = entries.indexOf(end, at);
    const second = entries.indexOf(end, first + 1);
    const third = entries.indexOf(end, second + 1);
    const [kind, owner, size, state] = entries.slice(at, first).split(' ') as [string, string, string, string];
    const path = entries.slice(first + 1, second);
    const value = entries.slice(second + 1, third);
    yield { path, state, facts: { kind: kinds[Number(kind)]!, name: nameOf(path), owner, size: Number(size), value } };
    at = third + 1;
  }
}
