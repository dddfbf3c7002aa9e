import { openImage } from '../../../core/engines/image/index.ts';
import { parseImageReference } from '../../../core/domain/tools/image-reference.ts';
import { engineContract } from '../../contract/engine/engine-contract.ts';
import type { EngineUnderTest, Lines } from '../../contract/engine/engine-contract.ts';
import { startRegistry } from '../../servers/images/registry.ts';
import { pushImage } from '../../support/image/images.ts';
import { fetchBlob, fetchDocument } from '../../support/image/pushing.ts';
import type { Described, PushTo } from '../../support/image/pushing.ts';

type Platforms = (Described & { platform: { architecture: string } })[];

/** The suite wants a part that is cut in its middle: the first row of a table is followed by much that is none. */
const filling = '.'.repeat(200_000);
/** A repository that has every layer of the suite once: others take them from there. */
const common = 'common';

// a table is a platform, and a row a layer: what is asked here, Debian's registry itself answers
engineContract('images', async () => {
  const server = await startRegistry();
  const { host, url } = server;
  const at = (repository: string): PushTo => ({ url, repository });

  async function push(database: string, tables: Lines): Promise<void> {
    const platforms = Object.entries(tables).map(([table, rows]) => [`linux/${table}`, rows.map(layerOf)]);
    await pushImage(at(database), 'v1', Object.fromEntries(platforms) as Lines, common);
  }
  async function rowsIn(name: string): Promise<Record<string, string[]> | undefined> {
    const { repository, tag = 'v1', digest } = parseImageReference(name) ?? { repository: name };
    const index = await fetchDocument(at(repository), digest ?? tag);
    if (index === undefined) return undefined;
    const found: Record<string, string[]> = {};
    for (const { digest: one, platform } of index.json['manifests'] as unknown as Platforms) {
      const manifest = await fetchDocument(at(repository), one);
      const layers = manifest!.json['layers'] as unknown as Described[];
      const rows = await Promise.all(layers.map((layer) => fetchBlob(at(repository), layer.digest)));
      found[platform.architecture] = rows.map((row) => row.toString().replace(filling, ''));
    }
    return found;
  }

  return {
    engine: (database) =>
      openImage({
        reference: { registry: host, repository: database, tag: 'v1' },
        platforms: [],
        access: { plain: true },
      }).engine,
    async make(database, tables) {
      await push(common, tables);
      await push(database, tables);
    },
    async add(database, rows) {
      const there = (await rowsIn(database))!;
      const tables = Object.entries(there).map(([table, before]) => [
        table,
        rows[table] === undefined ? before : [...before, rows[table]],
      ]);
      await push(database, Object.fromEntries(tables) as Lines);
    },
    rowsIn,
    left: async () => [],
    // each is a blob, which its registry takes in four requests
    bigRows: 12,
    close: () => server.stop(),
  } satisfies EngineUnderTest;
});

function layerOf(row: string): string {
  return row.startsWith('0 ') ? `${row}${filling}` : row;
}
