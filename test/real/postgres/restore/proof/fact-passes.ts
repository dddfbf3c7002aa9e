import { unequalDefinitions } from '../../../../../core/domain/compare.ts';
import type { Login } from '../../../../../core/engines/login.ts';
import type { readCatalog } from '../../../../../core/engines/postgres/catalog/catalog.ts';
import { withSession } from '../../../../../core/engines/postgres/session.ts';
import { limit } from '../../../../support/vaults/vault.ts';
import { facts } from './facts.ts';

/** What must be unequal after one change of each object that has one left, and what is. */
export type FactPass = { expected: string[]; seen: string[] };

/**
 * Changes facts in the system's catalogues, one of each object at a time, reads the catalog, and takes them back: the
 * database stays as it was.
 */
export function factPasses(login: Login, major: number, read: typeof readCatalog): Promise<FactPass[]> {
  const changes = Object.entries(Object.groupBy(facts, ({ object }) => object)).map(([object, of]) => ({
    object,
    changes: of!.flatMap(({ changes: some, since = 13 }) => (since <= major ? some : [])),
  }));
  const count = Math.max(...changes.map(({ changes: { length } }) => length));
  return withSession(login, limit(), async (session) => {
    const passes: FactPass[] = [];
    await session.rows('begin');
    const before = await read(session);
    for (let pass = 0; pass < count; pass += 1) {
      const due = changes.filter(({ changes: { length } }) => pass < length);
      await session.rows('savepoint unchanged');
      for (const one of due) await session.rows(one.changes[pass]!);
      const unequal = unequalDefinitions(before, await read(session), []);
      await session.rows('rollback to unchanged');
      passes.push({
        expected: due.map(({ object }) => `${object} changed`).toSorted(),
        seen: unequal.map(({ kind, name, how }) => `${kind} ${name} ${how}`).toSorted(),
      });
    }
    await session.rows('rollback');
    return passes;
  });
}
