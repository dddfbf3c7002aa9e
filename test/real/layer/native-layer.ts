import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import type { LayerArchitecture } from '../../../layers/db-tools/contents.ts';

export const buildLimitMs = 20 * 60 * 1000;

export type LayerProgram = {
  name: string;
  product: string;
  major: number;
  version: string;
  path: string;
  argv0: string;
  bytes: number;
  package: string;
};
export type Layer = { folder: string; home: string; programs: LayerProgram[] };

export const nativeArchitecture: LayerArchitecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';

/** The layer for an architecture, built when it is not in the cache. */
export async function openLayer(architecture: LayerArchitecture): Promise<Layer> {
  const folder = await dbToolsLayer(
    architecture,
    { rule: 'newer' },
    (line) => process.stderr.write(`${line}\n`),
    AbortSignal.timeout(buildLimitMs),
  );
  const home = join(folder, 'nightjar');
  const { programs } = JSON.parse(await readFile(join(home, 'db-tools.json'), 'utf8')) as { programs: LayerProgram[] };
  return { folder, home, programs };
}
