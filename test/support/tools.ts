import { openTools } from '../../core/tools.ts';
import type { Tools } from '../../core/tools.ts';
import { dbToolsLayer } from '../../layers/db-tools/layer.ts';

/** The programs of the layer for this machine, which is built first where it must be. */
export async function layerTools(): Promise<Tools> {
  return openTools(await layerRoot());
}

/** By the cache that it lies in. */
const known = new Map<string | undefined, Promise<string>>();

/** The folder of that layer: looked at byte by byte once for a worker, which takes a tenth of a second of processor. */
export function layerRoot(): Promise<string> {
  const cache = process.env['NIGHTJAR_CACHE'];
  const found = known.get(cache) ?? wholeLayer();
  known.set(cache, found);
  found.catch(() => known.delete(cache));
  return found;
}

function wholeLayer(): Promise<string> {
  const report = (line: string) => void process.stderr.write(`${line}\n`);
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  return dbToolsLayer(architecture, { rule: 'newer' }, report, AbortSignal.timeout(20 * 60_000));
}
