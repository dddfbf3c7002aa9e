import { afterAll, expect, jest, test } from '@jest/globals';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { mariadbWorld } from '../../support/faults/interrupted/mariadb-world.ts';
import { postgresWorld } from '../../support/faults/interrupted/postgres-world.ts';
import { drawnRounds, interruptedModes } from '../../support/faults/interrupted/rounds.ts';
import type { InterruptedMode, InterruptedRound } from '../../support/faults/interrupted/rounds.ts';
import { interruptedRuns } from '../../support/faults/interrupted/runs.ts';
import { stockMariadbDump, stockMysqlDump } from '../../support/faults/interrupted/stock-dumps.ts';
import type { DatabaseServer } from '../../servers/server.ts';

/**
 * NIGHTJAR_KILLS=60 NIGHTJAR_SEED=7: so many in each mode instead of these, for NIGHTJAR_MINUTES at most (60);
 * NIGHTJAR_MODES=empty,replace: in these modes alone; jest -t 'of MySQL': on this server alone. Told on stderr.
 */
const kills = Number(process.env['NIGHTJAR_KILLS'] ?? 0);
const seed = Number(process.env['NIGHTJAR_SEED'] ?? 20261129);
const limitMs = Number(process.env['NIGHTJAR_MINUTES'] ?? 60) * 60_000;
const asked = process.env['NIGHTJAR_MODES']?.split(',');
const modes = interruptedModes.filter((mode) => asked?.includes(mode) ?? true);
const usual: Record<string, InterruptedRound[]> = {
  PostgreSQL: [
    { mode: 'drill', cuts: [{ by: 'us', share: 0.7 }] },
    { mode: 'empty', cuts: [{ by: 'store', share: 0.9 }] },
  ],
  'PostgreSQL with a minimal log': [
    // at once behind its end
    { mode: 'beside', cuts: [{ by: 'server', share: 50 }] },
    { mode: 'archive', cuts: [{ by: 'server', share: 0.4 }] },
  ],
  MariaDB: [{ mode: 'replace', cuts: [{ by: 'server', share: 0.9 }] }],
};
const minimalLog = { wal_level: 'minimal', max_wal_senders: '0', wal_skip_threshold: '0' };
/** A commit must outlive the server. */
const durable = { 'innodb-flush-log-at-trx-commit': '2' };
/** What the rounds above stand for: these take theirs only when they are asked for. */
const more = [
  [
    'PostgreSQL 13 with a minimal log',
    async () => postgresWorld(await started(startPostgres({ major: 13, settings: minimalLog }))),
  ],
  [
    'MySQL',
    async () =>
      mariadbWorld(
        await started(startMysql({ tls: true, settings: durable })),
        'performance_schema.processlist',
        stockMysqlDump,
      ),
  ],
] as const;
const stops: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(stops.map((stop) => stop())));
// what was seen once is to be looked at
if (kills > 0) jest.retryTimes(0);

async function started(starting: Promise<DatabaseServer>): Promise<DatabaseServer> {
  const server = await starting;
  stops.push(() => server.stop());
  return server;
}

test.each([
  ['PostgreSQL', async () => postgresWorld(await started(startPostgres({ major: 18 })))],
  // rows are loaded in the transaction that empties their table, and stand in no log
  [
    'PostgreSQL with a minimal log',
    async () => postgresWorld(await started(startPostgres({ major: 18, settings: minimalLog }))),
  ],
  [
    'MariaDB',
    async () =>
      mariadbWorld(
        await started(startMariadb({ series: '11.8', settings: durable })),
        'information_schema.processlist',
        stockMariadbDump,
      ),
  ],
  ...(kills > 0 ? more : []),
] as const)(
  'a restore of %s that is interrupted leaves the old database or the new one, whole, and the next run succeeds and leaves nothing',
  async (name, open) => {
    const runs = await interruptedRuns(await open());
    const wrong: string[] = [];
    const began = Date.now();
    const hasEnough = (mode: InterruptedMode) => (runs.outcomes()[mode]?.cut ?? 0) >= kills;
    let index = 0;
    for (const round of kills === 0 ? usual[name]! : drawnRounds(seed, modes)) {
      if (kills > 0 && (Date.now() - began > limitMs || modes.every(hasEnough))) break;
      if (kills > 0 && hasEnough(round.mode)) continue;
      const found = await runs
        .interrupted(round)
        .catch((error: unknown) => [String(error instanceof Error ? error.stack : error)]);
      const cuts = round.cuts.map(({ by, share }) => `${by} ${share.toFixed(3)}`).join(', ');
      const told = `${name} ${index++} ${round.mode} ${cuts}`;
      if (kills > 0) process.stderr.write(`${told}: ${found.length === 0 ? 'as it must be' : found.join('\n  ')}\n`);
      wrong.push(...found.map((line) => `${told}: ${line}`));
    }
    const outcomes = runs.outcomes();
    if (kills > 0) process.stderr.write(`${name}: ${JSON.stringify(outcomes)}\n`);
    await runs.remove();

    expect(wrong).toEqual([]);
    // what nothing has cut shows nothing
    expect(Object.values(outcomes).some(({ cut }) => cut > 0)).toBe(true);
  },
  120_000 + (kills > 0 ? limitMs + 600_000 : 0),
);
