import { expect } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { prove } from '../../../core/commands/proof/prove.ts';
import type { ByteStream } from '../../../core/ports.ts';
import { toySource } from '../../support/worlds/toy-engine.ts';
import { memoryScene } from '../../support/vaults/vault.ts';
import type { EnginePromise, EngineUnderTest } from './engine-contract.ts';
import {
  expectNothingLeft,
  limit,
  momentsOf,
  orStopped,
  restoring,
  sorted,
  stoppingAt,
  tablesOf,
} from './engine-data.ts';

/** What an engine promises of restores and their proof. */
export const restorePromises: readonly EnginePromise[] = [
  {
    it: 'a restore gives back every row, proven equal, and leaves the source as it is',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, rowsIn } = under;
      const { manifest, deps } = await backedUp(under, 'given');

      const { proof } = await restoring(manifest, engine('given_back'), deps);

      const { counted = () => ({ tables: 3, rows: tables['big']!.length + 4 }) } = under;
      expect(proof).toMatchObject({ differences: [], ...counted(tables) });
      expect(sorted(await rowsIn('given_back'))).toEqual(sorted(tables));
      expect(sorted(await rowsIn('given'))).toEqual(sorted(tables));
      await expectNothingLeft(under);
    },
  },

  {
    it: 'a proof finds one row that is not as it was, and names its table',
    async holds(under) {
      const { engine, add } = under;
      const { manifest, catalog, deps } = await backedUp(under, 'proven');
      await restoring(manifest, engine('proven_back'), deps);
      await add('proven_back', { few: 'one more' });

      const subject = { manifest, catalog, owners: true };
      const found = await prove(engine('proven_back'), subject, { ...deps, parallel: 2 }, limit());

      expect(found.differences.length).toBeGreaterThan(0);
      expect(found.differences.filter((difference) => !difference.includes('few'))).toEqual([]);
    },
  },

  {
    it: 'what is there is refused, and stays; told to replace it, a restore does',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, make, rowsIn } = under;
      const { manifest, deps } = await backedUp(under, 'replacing');
      await make('occupied', { other: ['mine'] });

      await expect(restoring(manifest, engine('occupied'), deps)).rejects.toMatchObject({ code: 'target-not-empty' });
      expect(await rowsIn('occupied')).toEqual({ other: ['mine'] });

      await restoring(manifest, engine('occupied'), deps, { replace: true });
      expect(sorted(await rowsIn('occupied'))).toEqual(sorted(tables));
    },
  },

  {
    it: 'a part that breaks off leaves no part of a table, and what was made can be dropped again',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, rowsIn } = under;
      const { manifest, catalog, deps } = await backedUp(under, 'broken');
      const target = await engine('broken_back').target({ manifest, catalog, owners: true }, limit());
      await target.prepare(false, limit());

      // what belongs to a whole server has definitions alone
      const hasData = manifest.parts.some(({ role }) => role === 'data');
      const loads = target.stages.flat().map(({ part, load }) => async () => {
        const content = deps.store.openPart(manifest, part, limit());
        await load(part.role === 'data' || !hasData ? breakingOff(content) : content, limit());
      });
      const failed = [];
      for (const load of loads) await load().catch((error: unknown) => failed.push(error));

      expect(failed.length).toBeGreaterThan(0);
      for (const [table, rows] of Object.entries((await rowsIn(target.made())) ?? {}))
        expect([0, tables[table]?.length]).toContain(rows.length);
      await target.discard(limit());
      await target.close();
      expect(await rowsIn('broken_back')).toBeUndefined();
      await expectNothingLeft(under);
    },
  },

  {
    it: 'a restore that is stopped at any moment leaves no half database, and is run again',
    async holds(under) {
      const tables = tablesOf(under);
      const { engine, rowsIn } = under;
      const { manifest, deps } = await backedUp(under, 'again');
      const whole = stoppingAt(Infinity);
      await restoring(manifest, engine('again_0'), deps, {}, whole);

      for (const moment of momentsOf(whole.heard())) {
        const database = `again_${moment}`;

        const stopped = stoppingAt(moment);
        const made = await orStopped(under, restoring(manifest, engine(database), deps, {}, stopped));

        const found = await rowsIn(database);
        if (made === undefined && found !== undefined) expect(sorted(found)).toEqual(sorted(tables));
        await expectNothingLeft(under);
        if (found === undefined)
          expect((await restoring(manifest, engine(database), deps)).proof).toMatchObject({ differences: [] });
        expect(sorted(await rowsIn(database))).toEqual(sorted(tables));
      }
    },
  },
];

async function backedUp(under: EngineUnderTest, database: string) {
  const { make, engine } = under;
  await make(database, tablesOf(under));
  const deps = memoryScene().deps();
  const manifest = await backup(toySource(engine(database)), deps, limit());
  return { deps, manifest, catalog: await deps.store.readCatalog(manifest, limit()) };
}

/** Half of it, and then an error. */
async function* breakingOff(content: ByteStream): ByteStream {
  const all = Buffer.concat(await Array.fromAsync(content, (chunk) => Buffer.from(chunk)));
  yield all.subarray(0, all.length / 2);
  throw new Error('the rest is lost');
}
