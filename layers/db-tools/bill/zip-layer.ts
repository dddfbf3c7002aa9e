import { rename, rm } from 'node:fs/promises';
import type { LayerArchitecture } from '../contents.ts';
import { dbToolsLayer, type Pinning } from '../layer.ts';
import { zipFolder } from './zip-file.ts';

/**
 * Where the layer lies as a zip file, beside its folder in the cache: made anew each time, for what lies in a cache is
 * not believed.
 */
export async function zipLayer(
  architecture: LayerArchitecture,
  pinning: Pinning,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const path = `${await dbToolsLayer(architecture, { ...pinning, complete: true }, report, signal)}.zip`;
  const part = `${path}.${process.pid}.part`;
  try {
    await zipFolder(path.slice(0, -'.zip'.length), part);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
  return path;
}
