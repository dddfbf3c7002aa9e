import { BackupError } from '../../../../core/domain/errors.ts';
import { alone, signWithinMs } from '../../../../core/vaults/s3/claims/alone.ts';
import type { Claims } from '../../../../core/vaults/s3/claims/alone.ts';
import { interleaved } from '../interleaver.ts';

const validMs = 15 * 60_000;
const minuteMs = 60_000;

/**
 * What can go wrong, each so often: killed at a call; asleep before a request is signed or sent, while others go on; a
 * request of the dead that comes through late; one that gets no answer; minutes that pass, at most so often.
 */
export type Troubles = { kill: number; sleep: number; late: number; unanswered: number; minutes: number };

/** One counter in a store that knows no conditions. */
type Counter = {
  value: number;
  version: string;
  time: number;
  claims: Map<string, Date>;
  lost: string[];
  late: Late[];
};
type Late = { date: number; land(): void };

const killed = () => new Error('killed');

/**
 * Has parties count in one object of a store without conditions, in an order that `draw` decides, each with a clock of
 * its own that is wrong by up to 14 minutes. Tells each write that did not go over what its writer had read, and whether
 * all was counted that was told as counted.
 */
export async function counting(parties: number, rounds: number, troubles: Troubles, draw: () => number) {
  const store: Counter = { value: 0, version: '', time: 1e12, claims: new Map(), lost: [], late: [] };
  const minutes = draw() * troubles.minutes;
  let told = 0;
  let open = 0;

  function party(index: number) {
    const wrong = (draw() * 28 - 14) * minuteMs;
    let isDead = false;
    let mayLand = false;
    return async (turn: (call: 'list', key: string, signal: AbortSignal) => Promise<void>): Promise<void> => {
      const signal = new AbortController().signal;
      /** A request goes out, and is carried out when it is its turn, unless that is too late for its date. */
      async function request<T>(carry: () => T, onDate: (date: Date) => void = () => undefined): Promise<T> {
        if (!isDead) await asleep();
        const date = store.time + wrong;
        if (!isDead) onDate(new Date(date));
        if (!isDead) await asleep();
        await turn('list', '', signal);
        if (isDead) throw killed();
        passes();
        landed();
        if (draw() < troubles.kill) {
          isDead = true;
          if (draw() < troubles.late) store.late.push({ date, land: carry });
          throw killed();
        }
        if (draw() < troubles.unanswered) {
          mayLand = true;
          store.late.push({ date, land: carry });
          throw new BackupError('vault-unreachable', 'no answer');
        }
        if (Math.abs(store.time - date) > validMs) throw new BackupError('vault-denied', 'RequestTimeTooSkewed');
        return carry();
      }
      async function asleep(): Promise<void> {
        const calls = draw() < troubles.sleep ? draw() * 40 : 0;
        for (let call = 0; call < calls; call += 1) {
          await turn('list', '', signal);
          passes();
        }
      }
      const claims: Claims = {
        async put(name) {
          let signed = new Date(0);
          await request(
            () => store.claims.set(name, new Date(store.time)),
            (date) => (signed = date),
          );
          return signed;
        },
        list: () => request(() => [...store.claims].map(([name, modified]) => ({ name, modified }))),
        remove: (name) => request(() => void store.claims.delete(name)).catch(() => undefined),
      };
      const increment = () =>
        alone(
          claims,
          async ({ signed }) => {
            mayLand = false;
            const read = await request(() => ({ ...store }));
            open += 1;
            await request(
              () => {
                if (store.version !== read.version) store.lost.push(`${index} wrote over ${store.version}`);
                store.value = read.value + 1;
                store.version = `${store.value} by ${index}`;
              },
              (date) => {
                if (date.getTime() - signed.getTime() > signWithinMs) throw new BackupError('vault-failed', 'too late');
              },
            );
            told += 1;
          },
          () => mayLand,
          { what: 'write', name: () => `${draw()}`, random: draw, pause: () => request(() => undefined) },
          signal,
        );
      for (let round = 0; round < rounds && !isDead; round += 1) await increment().catch(unlessOurs);
    };
  }

  function passes(): void {
    store.time += draw() < minutes ? draw() * 10 * minuteMs : draw() * 200;
  }

  /** What was held up on its way comes through at any time as long as its date is good. */
  function landed(): void {
    for (const one of store.late.splice(0))
      if (Math.abs(store.time - one.date) > validMs) continue;
      else if (draw() < 0.05) one.land();
      else store.late.push(one);
  }

  function unlessOurs(error: unknown): void {
    if (!(error instanceof BackupError) && (error as Error).message !== 'killed') throw error;
  }

  await interleaved(
    Array.from({ length: parties }, (_, index) => party(index)),
    draw,
  );
  return { lost: store.lost, told, value: store.value, begun: open, left: store.claims.size };
}
