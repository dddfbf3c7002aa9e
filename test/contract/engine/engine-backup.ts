import { expect } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import type { ByteStream, Engine } from '../../../core/ports.ts';
import { asJson } from '../../support/elsewhere/as-json.ts';
import { opening } from '../../support/parts.ts';
import { toySource } from '../../support/worlds/toy-engine.ts';
import { memoryScene } from '../../support/vaults/vault.ts';
import type { EnginePromise } from './engine-contract.ts';
import {
  byTable,
  countsOf,
  expectNothingLeft,
  lengthsOf,
  limit,
  momentsOf,
  orStopped,
  readPlan,
  sorted,
  stoppingAt,
  tablesOf,
  within,
} from './engine-data.ts';

/** What an engine promises of backups. */
export const backupPromises: readonly EnginePromise[] = [
  {
    it: 'a backup is of one moment: what comes while its rows are read is not in it, and comes all the same',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, make, add, rowsIn } = under;
      await make('moment', tables);

      const { tables: seen } = await readPlan(engine('moment'), () =>
        within(under, add('moment', { big: 'late', few: 'late' })),
      );

      expect(countsOf(seen)).toEqual(lengthsOf(tables));
      expect((await rowsIn('moment'))?.['few']).toContain('late');
    },
  },

  {
    it: 'rows are counted as the server counts them, and a fingerprint changes with one row of its table',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, make, rowsIn } = under;
      await make('counted', tables);
      await make('reversed', { ...tables, big: tables['big']!.toReversed() });
      await make('changed', { ...tables, few: tables['few']!.with(1, 'tow') });

      const read = (database: string) => readPlan(engine(database));
      const [first, again, reversed, changed] = [
        await read('counted'),
        await read('counted'),
        await read('reversed'),
        await read('changed'),
      ];

      expect(countsOf(first.tables)).toEqual(lengthsOf((await rowsIn('counted'))!));
      expect(byTable(again.tables)).toEqual(byTable(first.tables));
      expect(byTable(reversed.tables)).toEqual(byTable(first.tables));
      expect(byTable(changed.tables)['big']).toEqual(byTable(first.tables)['big']);
      expect(byTable(changed.tables)['few']?.rows).toBe(byTable(first.tables)['few']?.rows);
      expect(byTable(changed.tables)['few']?.fingerprint).not.toBe(byTable(first.tables)['few']?.fingerprint);
    },
  },

  {
    it: 'a part is a value: any adapter of the database makes it from JSON, under the plan of another',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, make, rowsIn } = under;
      await make('handed', tables);

      const { texts, tables: seen } = await readPlan(engine('handed'), undefined, engine('handed'));

      expect(countsOf(seen)).toEqual(lengthsOf((await rowsIn('handed'))!));
      for (const part of texts.keys()) expect(JSON.parse(asJson(part))).toEqual(part);
    },
  },

  {
    it: 'a dump that is cut anywhere is told from a whole one',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, make } = under;
      await make('cut', tables);

      const { texts } = await readPlan(engine('cut'));

      const large = [...texts].filter(([{ hasRows }, text]) => hasRows && text.length > 100_000);
      expect(large.length).toBeGreaterThan(0);
      for (const [part, text] of large)
        for (const share of [0, 0.001, 0.3, 0.5, 0.9, 0.99, 1]) {
          const reading = engine('cut').open(part, limit()).reader!;
          reading.write(text.subarray(0, Math.floor(text.length * share)));
          expect([share, reading.end().ended]).toEqual([share, share === 1]);
        }
    },
  },

  {
    it: 'a dump that ends early without an error makes no backup',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, make } = under;
      const scene = memoryScene();
      await make('early', tables);

      const source = toySource(endingEarly(engine('early')));

      await expect(backup(source, scene.deps(), limit())).rejects.toMatchObject({ code: 'dump-cut' });
      expect((await scene.files()).filter((file) => !file.endsWith('lease.json'))).toEqual([]);
      await expectNothingLeft(under);
    },
  },

  {
    it: 'a backup that is stopped at any moment leaves nothing on the server, and no backup',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, make, add, rowsIn } = under;
      await make('stopped', tables);
      const whole = stoppingAt(Infinity);
      await backup(toySource(engine('stopped')), { ...memoryScene().deps(), ...whole }, whole.signal);

      for (const moment of momentsOf(whole.heard())) {
        const scene = memoryScene();
        const { report, signal } = stoppingAt(moment);

        const making = backup(toySource(engine('stopped')), { ...scene.deps(), report }, signal);
        const made = await orStopped(under, making);

        const files = (await scene.files()).filter((file) => !file.endsWith('lease.json'));
        expect([moment, files.some((file) => file.endsWith('manifest.json'))]).toEqual([moment, made !== undefined]);
        if (made === undefined) expect(files).toEqual([]);
        await expectNothingLeft(under);
      }
      await add('stopped', { few: 'after' });
      const after = { ...tables, few: [...tables['few']!, 'after'] };
      expect(sorted(await rowsIn('stopped'))).toEqual(sorted(after));
    },
  },
];

/** The same engine, whose rows end in the middle as if that were all. */
function endingEarly(engine: Engine): Engine {
  async function* half(content: ByteStream): ByteStream {
    const all = Buffer.concat(await Array.fromAsync(content, (chunk) => Buffer.from(chunk)));
    yield all.subarray(0, all.length / 2);
  }
  return opening(engine, ({ content }, { hasRows }) => (hasRows ? { content: half(content) } : {}));
}
