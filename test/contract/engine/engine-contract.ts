import { afterAll, beforeAll, describe, test } from '@jest/globals';
import type { Engine } from '../../../core/ports.ts';
import { backupPromises } from './engine-backup.ts';
import { restorePromises } from './engine-restore.ts';

/** Tables of one column of text, and their rows. */
export type Lines = Readonly<Record<string, readonly string[]>>;

/** An engine, and a server that is asked and changed without it. */
export type EngineUnderTest = {
  /** The adapter for a database of the server, which need not be there. */
  engine(database: string): Engine;
  make(database: string, tables: Lines): Promise<void>;
  /** Adds a row to each of these tables, in one transaction where there are any. */
  add(database: string, rows: Readonly<Record<string, string>>): Promise<void>;
  /** What a database holds, by the server's own word; undefined where there is none. */
  rowsIn(database: string): Promise<Record<string, string[]> | undefined>;
  /** What of the engine's own is on the server now: sessions, databases that are none of ours. */
  left(): Promise<string[]>;
  /** What a proof counts of these tables, where that is not each table and each row. */
  counted?(tables: Lines): { tables: number; rows: number };
  /** How many rows its large table gets, where 400 would take too long. */
  bigRows?: number;
  /** How long whatever was told to end may take, where that is not a minute. */
  patienceMs?: number;
  close(): Promise<void>;
};

/** One thing that every engine promises: throws where this one does not hold it. */
export type EnginePromise = { it: string; holds(under: EngineUnderTest): Promise<void> };

export const enginePromises: readonly EnginePromise[] = [...backupPromises, ...restorePromises];

const openLimitMs = 300_000;

/**
 * What every engine promises (`Engine`, `Plan` and `Target` in core/ports.ts), of one that `open` makes. `excepted`:
 * promises that say nothing of what it backs up, each with the reason.
 */
export function engineContract(
  name: string,
  open: () => Promise<EngineUnderTest>,
  excepted: Readonly<Record<string, string>> = {},
): void {
  const unknown = Object.keys(excepted).filter((one) => !enginePromises.some(({ it }) => it === one));
  if (unknown.length > 0) throw new Error(`no engine promises: ${unknown.join('; ')}`);
  describe(name, () => {
    let opened: EngineUnderTest | undefined;
    beforeAll(async () => {
      opened = await open();
    }, openLimitMs);
    afterAll(() => opened?.close());

    for (const { it, holds } of enginePromises)
      (excepted[it] === undefined ? test : test.skip)(`${it}${because(excepted[it])}`, async () => {
        if (opened === undefined) throw new Error(`${name} was not opened`);
        await holds(opened);
      });
  });
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : ` (it says nothing here: ${reason})`;
}
