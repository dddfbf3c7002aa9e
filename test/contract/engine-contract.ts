import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Engine } from '../../core/ports.ts';
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
  close(): Promise<void>;
};

const openLimitMs = 300_000;

/** What every engine promises (`Engine`, `Plan` and `Target` in core/ports.ts), of one that `open` makes. */
export function engineContract(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(name, () => {
    let opened: EngineUnderTest | undefined;
    const under = (): EngineUnderTest => {
      if (opened === undefined) throw new Error(`${name} was not opened`);
      return opened;
    };

    beforeAll(async () => {
      opened = await open();
    }, openLimitMs);
    afterAll(() => opened?.close());

    backupPromises(under);
    restorePromises(under);
  });
}
