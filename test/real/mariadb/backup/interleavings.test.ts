import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import { layerTools } from '../../../support/tools.ts';
import { runCases } from './interleavings/run.ts';
import type { Place } from './interleavings/run.ts';
import { connect } from '../../../support/mariadb/mariadb.ts';

/** How many cases each server gets, and the first one's seed: more by hand, `INTERLEAVINGS=500 FIRST_SEED=1000`. */
const count = Number(process.env['INTERLEAVINGS'] ?? 8);
const first = Number(process.env['FIRST_SEED'] ?? 1);

const servers = [
  { name: 'MariaDB 11.8', product: 'MariaDB' as const, start: () => startMariadb({ series: '11.8' }) },
  { name: 'MariaDB 10.11', product: 'MariaDB' as const, start: () => startMariadb({ series: '10.11' }) },
  { name: 'MySQL', product: 'MySQL' as const, start: () => startMysql() },
];

describe.each(servers)('$name', ({ name, product, start }) => {
  let place: Place;

  beforeAll(async () => {
    const [server, tools] = [await start(), await layerTools()];
    place = {
      server,
      tools,
      product,
      admin: await connect(server),
      second: await connect(server),
      gate: await connect(server),
    };
  }, startLimitMs);
  afterAll(async () => {
    await place.admin.end();
    await place.second.end();
    await place.gate.end();
    await place.server.stop();
  });

  test(
    'whatever is done to a database while it is backed up, the backup equals one moment or is refused',
    async () => {
      const outcomes = await runCases(first, count, place);
      const ends = Map.groupBy(outcomes, ({ end }) => end);
      if (count > 8)
        process.stderr.write(`${name}: ${[...ends].map(([end, of]) => `${of.length} ${end}`).join(', ')}\n`);

      expect(ends.get('torn') ?? []).toEqual([]);
      expect(ends.get('equal')?.length).toBeGreaterThan(count / 10);
      expect(ends.get('refused')?.length).toBeGreaterThan(count / 10);
    },
    count * 10_000,
  );
});
