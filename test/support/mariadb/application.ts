import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import type { DatabaseServer } from '../../servers/server.ts';

/** An application that writes into `<database>.writes` all the time, each time the next number. */
export type Application = {
  /** What it was told is done; of others it does not know. */
  written: readonly number[];
  /** The longest that one write took. */
  longestMs(): number;
  /** Resolves once so many more are written. */
  atLeast(count: number): Promise<void>;
  stop(): Promise<void>;
};

let numbers = 0;

/** Starts one that stays connected, and writes every `everyMs`. */
export async function application(
  { host, port, user, password }: DatabaseServer,
  database: string,
  everyMs = 100,
): Promise<Application> {
  const connection = await mysql.createConnection({ host, port, user, password, database });
  const written: number[] = [];
  let [isOver, longest] = [false, 0];
  const running = (async () => {
    while (!isOver) {
      const n = (numbers += 1);
      const began = performance.now();
      await connection.query(`INSERT INTO writes (n) VALUES (${n})`).then(
        () => void written.push(n),
        () => undefined,
      );
      longest = Math.max(longest, performance.now() - began);
      await sleep(everyMs);
    }
    await connection.end();
  })();
  return {
    written,
    longestMs: () => longest,
    async atLeast(count) {
      const wanted = written.length + count;
      while (written.length < wanted) await sleep(20);
    },
    async stop() {
      isOver = true;
      await running;
    },
  };
}
