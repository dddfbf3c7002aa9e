import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { contentProblems } from './contents-list.ts';
import { debianNames, type LayerArchitecture } from './contents.ts';
import { expectedHash, layerFolder } from './identity.ts';
import { chooseLock, type ChosenLock } from './lock.ts';

/**
 * How the cache has a layer. `anchored`: its list of hashes was compared with the pinned one, which another builder may
 * have made.
 */
export type CachedLayer = {
  architecture: LayerArchitecture;
  folder: string;
  state: 'whole' | 'changed' | 'not built';
  anchored: boolean;
  problems: string[];
};

/** The pins in force, and what the cache has of them, read byte by byte; nothing is built, and nothing changed. */
export async function inspectLayers(own: string | undefined): Promise<ChosenLock & { layers: CachedLayer[] }> {
  const chosen = await chooseLock(own);
  const layers: CachedLayer[] = [];
  for (const architecture of Object.keys(debianNames) as LayerArchitecture[])
    layers.push(await inspectLayer(architecture, chosen));
  return { ...chosen, layers };
}

/** The same of one architecture. */
export async function inspectLayer(architecture: LayerArchitecture, { lock }: ChosenLock): Promise<CachedLayer> {
  const folder = await layerFolder(architecture, lock);
  const expected = await expectedHash(architecture, lock);
  const known = { architecture, folder, anchored: expected !== undefined };
  if (
    !(await access(folder).then(
      () => true,
      () => false,
    ))
  )
    return { ...known, state: 'not built', problems: [] };
  const problems = await contentProblems(join(folder, 'nightjar'), expected);
  return { ...known, state: problems.length === 0 ? 'whole' : 'changed', problems };
}
