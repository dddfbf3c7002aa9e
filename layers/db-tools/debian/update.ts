import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openFolder, ownCache } from '../cache.ts';
import { debianNames, type LayerArchitecture } from '../contents.ts';
import { removeRoot } from './debian.ts';
import { builderIdentity } from '../identity.ts';
import { assembleIn } from '../layer.ts';
import { shippedLock, writeLock, type LayerLock } from '../lock.ts';
import { newestRoot } from './pins.ts';

/** A package of one architecture that an update moves; `from` undefined: it is new. */
export type Move = { architecture: LayerArchitecture; name: string; from: string | undefined; to: string };

/**
 * Pins the newest of everything for all architectures, in `file`; nothing older than what `before` pins. The same
 * mirror on the same day gives the same file. Answers what has moved. Throws `tools-missing`, and then nothing was
 * changed.
 */
export async function updateLock(
  before: LayerLock,
  file: string,
  { report, now }: { report: (line: string) => void; now: Date },
  signal: AbortSignal,
): Promise<Move[]> {
  const at = now.toISOString().slice(0, 10);
  const builder = file === shippedLock ? {} : { builder: await builderIdentity() };
  const lock: LayerLock = { format: 2, at, ...builder, packages: { ...before.packages }, layers: {} };
  const scratch = await mkdtemp(join(await openFolder(await ownCache()), 'update-'));
  try {
    for (const architecture of Object.keys(debianNames) as LayerArchitecture[]) {
      const debian = debianNames[architecture];
      const source = await newestRoot(debian, before.packages[debian], report, signal);
      const made = await assembleIn(join(scratch, architecture), { architecture, pinnedAt: at, source }, signal);
      lock.packages[debian] = made.pins;
      lock.layers[architecture] = made.sha256;
      await removeRoot(source.root);
    }
    await writeLock(file, lock);
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
  return (Object.keys(debianNames) as LayerArchitecture[]).flatMap((architecture) =>
    movesOf(architecture, before, lock),
  );
}

function movesOf(architecture: LayerArchitecture, before: LayerLock, after: LayerLock): Move[] {
  const debian = debianNames[architecture];
  return after.packages[debian].flatMap(({ name, version }) => {
    const from = before.packages[debian].find((pin) => pin.name === name)?.version;
    return from === version ? [] : [{ architecture, name, from, to: version }];
  });
}
