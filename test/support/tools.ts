import { openTools } from '../../core/tools.ts';
import type { Tools } from '../../core/tools.ts';
import { dbToolsLayer } from '../../layers/db-tools/layer.ts';

/** The programs of the layer for this machine, which is built first where it must be. */
export async function layerTools(): Promise<Tools> {
  return openTools(await layerRoot());
}

/** The folder of that layer. */
export async function layerRoot(): Promise<string> {
  const report = (line: string) => void process.stderr.write(`${line}\n`);
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  return dbToolsLayer(architecture, { rule: 'newer' }, report, AbortSignal.timeout(20 * 60_000));
}
