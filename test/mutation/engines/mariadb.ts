import type { readCatalog } from '../../../core/engines/mariadb/catalog/catalog.ts';
import { withSession } from '../../../core/engines/mariadb/session.ts';
import type { Login } from '../../../core/engines/login.ts';
import type { Catalog } from '../../../core/contract/manifest/catalog.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { describeUnequal, unequalDefinitions } from '../../../core/domain/compare.ts';

type Place = { login: Login; folder: string; manifest: Manifest; named: string[] };

const limit = () => AbortSignal.timeout(100_000);

/** The databases of test/real/mariadb/restore/typed: the source, a copy as it is, one with every change. */
export async function prepare() {
  const { backup } = await import('../../../core/commands/backup.ts');
  const { restore } = await import('../../../core/commands/restore/restore.ts');
  const { mariadbEngine } = await import('../../../core/engines/mariadb/index.ts');
  const { startMariadb } = await import('../../servers/databases/mariadb.ts');
  const { connect, loginTo } = await import('../../support/mariadb/mariadb.ts');
  const { layerTools } = await import('../../support/tools.ts');
  const { folderScene } = await import('../../support/vaults/vault.ts');
  const { typedDefinitions } = await import('../../real/mariadb/restore/typed-definitions.ts');
  const [server, tools, scene] = [await startMariadb({ series: '11.8' }), await layerTools(), await folderScene()];
  const admin = await connect(server);
  const login = loginTo(server, 'typed');
  const engine = (database: string) => mariadbEngine({ ...login, database }, tools);
  const source = { name: 'typed', timeZone: 'UTC', retention: { count: 9 }, compressionLevel: 1, parallel: 2 };
  await admin.query('CREATE DATABASE typed CHARACTER SET utf8mb4; USE typed');
  for (const { create } of typedDefinitions.MariaDB) await admin.query(create);
  const manifest = await backup({ ...source, name: 'typed' as never, engine: engine('typed') }, scene.deps(), limit());
  const options = { replace: false, owners: true, proof: false };
  for (const database of ['same', 'changed'])
    await restore(manifest, engine(database), options, { ...scene.deps(), parallel: 2 }, limit());
  await admin.query('USE changed');
  for (const { change } of typedDefinitions.MariaDB) await admin.query(change);
  await admin.end();
  const named = typedDefinitions.MariaDB.map((one) => one.named);
  const place: Place = { login, folder: scene.folder, manifest, named };
  const stop = async () => {
    await server.stop();
    await scene.remove();
  };
  return { place, stop };
}

/** The objects that the catalogs of a changed database must show, and do not: nothing has to be proven then. */
export async function missed({ login, named }: Place, read: typeof readCatalog): Promise<string[]> {
  const of = (database: string, restored?: Catalog) =>
    withSession({ ...login, database }, limit(), (session) => read(session, restored));
  const catalog = await of('typed');
  const seen = unequalDefinitions(catalog, await of('changed', catalog), []).map(describeUnequal);
  return named.filter((name) => !seen.some((line) => line.startsWith(`${name} is `)));
}

/** What that suite asserts, in words: with a change in the code, other words. */
export async function judge({ login, folder, manifest, named }: Place): Promise<unknown> {
  const { prove } = await import('../../../core/commands/proof/prove.ts');
  const { mariadbEngine } = await import('../../../core/engines/mariadb/index.ts');
  const { folderVault } = await import('../../../core/vaults/folder/folder.ts');
  const { layerTools } = await import('../../support/tools.ts');
  const { depsOf } = await import('../../support/vaults/vault.ts');
  const tools = await layerTools();
  const deps = { ...depsOf(folderVault(folder)), parallel: 2 };
  const engine = (database: string) => mariadbEngine({ ...login, database }, tools);
  const { catalog, close } = await engine('typed').plan({}, limit());
  await close();
  const proving = (database: string) => prove(engine(database), { manifest, catalog, owners: true }, deps, limit());
  const [same, changed] = [await proving('same'), await proving('changed')];
  const lost = named.filter((name) => !changed.differences.some((line) => line.startsWith(`${name} is `)));
  return { same: [same.differences, same.exceptions], lost };
}
