import { isDeepStrictEqual } from 'node:util';
import type { readCatalog } from '../../../core/engines/postgres/catalog/catalog.ts';
import { withSession } from '../../../core/engines/postgres/session.ts';
import type { Login } from '../../../core/engines/login.ts';
import type { Catalog } from '../../../core/contract/manifest/catalog.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { factPasses } from '../../real/postgres/restore/proof/fact-passes.ts';
import { describeUnequal, unequalDefinitions } from '../../../core/domain/compare.ts';

type Place = { login: Login; folder: string; manifest: Manifest; found: string[] };

const limit = () => AbortSignal.timeout(100_000);

/** The databases of test/real/postgres/restore/mutations: the source, a copy as it is, one with every change. */
export async function prepare() {
  const { backup } = await import('../../../core/commands/backup.ts');
  const { restore } = await import('../../../core/commands/restore/restore.ts');
  const { postgresScene } = await import('../../support/postgres.ts');
  const { makeTyped } = await import('../../support/typed.ts');
  const { mutations } = await import('../../real/postgres/restore/proof/mutations.ts');
  const scene = await postgresScene(18, { wal_level: 'logical' });
  await makeTyped(scene, 'each', 'one-of-each', 18);
  await scene.sql('postgres', `alter database each set work_mem to '4MB'; comment on database each is 'one'`);
  const manifest = await backup(scene.source('each'), scene.deps(), limit());
  for (const database of ['same', 'changed']) {
    const options = { replace: false, owners: true, proof: false };
    await restore(manifest, scene.source(database).engine, options, { ...scene.deps(), parallel: 2 }, limit());
  }
  for (const { sql } of mutations) await scene.sql('changed', sql.replaceAll(':db', 'changed'));
  const found = mutations.flatMap((one) => one.found);
  const place: Place = { login: scene.login('each'), folder: scene.folder, manifest, found };
  return { place, stop: () => scene.stop() };
}

/** The lines that the catalogs of a changed database must show, and do not: nothing has to be proven then. */
export async function missed({ login, found }: Place, read: typeof readCatalog): Promise<string[]> {
  const of = (database: string, like?: Catalog) =>
    withSession({ ...login, database }, limit(), (session) => read(session, like));
  const catalog = await of('each');
  const seen = unequalDefinitions(catalog, await of('changed', catalog), []).map(describeUnequal);
  const lost = found.filter((line) => !seen.includes(line));
  if (lost.length > 0) return lost;
  const passes = await factPasses({ ...login, database: 'each' }, 18, read);
  return passes.flatMap((pass) => (isDeepStrictEqual(pass.seen, pass.expected) ? [] : pass.expected));
}

/** What that suite asserts, in words: with a change in the code, other words. */
export async function judge({ login, folder, manifest }: Place): Promise<unknown> {
  const { prove } = await import('../../../core/commands/proof/prove.ts');
  const { postgresEngine } = await import('../../../core/engines/postgres/index.ts');
  const { folderVault } = await import('../../../core/vaults/folder/folder.ts');
  const { layerTools } = await import('../../support/tools.ts');
  const { depsOf } = await import('../../support/vaults/vault.ts');
  const tools = await layerTools();
  const deps = { ...depsOf(folderVault(folder)), parallel: 2 };
  const engine = (database: string) => postgresEngine({ ...login, database }, tools);
  const { catalog, close } = await engine('each').plan({}, limit());
  await close();
  const proving = (database: string) => prove(engine(database), { manifest, catalog, owners: true }, deps, limit());
  const [same, changed] = [await proving('same'), await proving('changed')];
  return { same: [same.differences, same.exceptions], changed: changed.differences.toSorted() };
}
