import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError, messageOf } from '../../../core/domain/errors.ts';
import { pinsFileName } from '../../../core/domain/tools/notices.ts';
import { plural } from '../../../core/domain/units.ts';
import type { CachedLayer, LayerArchitecture, Move } from '../../../layers/db-tools/index.ts';
import { layerTable, movesTable } from '../text/setup/layer-table.ts';
import { machineLayer } from './machine-layer.ts';
import type { Output, CommandOutcome } from '../text/output.ts';

/**
 * Where a command works that opens no vault: beside the configuration, whether that exists or not. `cwd`: the folder
 * that paths of its command line are relative to.
 */
export type WorkFolder = { configuration: string; folder: string; cwd: string; out: Output };
export type BuildFlags = { arch?: string };

const builder = () => import('../../../layers/db-tools/index.ts');

/** `nightjar layer show`: what is pinned, since when, and what of it is in the cache, for both architectures. */
export async function showLayer({ folder, out }: WorkFolder): Promise<CommandOutcome> {
  const { inspectLayers, shippedLock } = await builder();
  const found = await inspectLayers(join(folder, pinsFileName));
  const days = Math.floor((Date.now() - Date.parse(found.lock.at)) / 86_400_000);
  const shipped = found.file === shippedLock;
  for (const line of layerTable(found, { days, shipped })) out.say(line);
  const document = {
    pins: { file: found.file, shipped, at: found.lock.at, ageDays: days, packages: found.lock.packages },
    layers: found.layers.map(documentOf),
  };
  return { document, failures: [] };
}

/** `nightjar layer build`: builds the pinned layer as a folder in the cache and a zip file beside it. */
export async function buildLayer(
  { arch = machineLayer }: BuildFlags,
  { folder, out }: WorkFolder,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { debianNames, lackingLine, pinRule, zipLayer } = await builder();
  const all = Object.keys(debianNames) as LayerArchitecture[];
  const chosen = all.filter((name) => arch === 'all' || arch === name);
  if (chosen.length === 0)
    throw new BackupError('input-invalid', `there is no architecture ${arch}`, {
      hint: `--arch ${[...all, 'all'].join('|')}`,
    });
  const built = [];
  for (const architecture of chosen) {
    const zip = await zipLayer(
      architecture,
      { rule: pinRule(process.env), own: join(folder, pinsFileName) },
      (line) => out.note(line),
      signal,
    );
    const layer = zip.replace(/\.zip$/, '');
    out.say(`${architecture}: ${zip}`);
    const lacking = await lackingLine(layer, signal);
    if (lacking !== undefined) out.note(lacking);
    built.push({ architecture, folder: layer, zip });
  }
  return { document: { built }, failures: [] };
}

/**
 * `nightjar layer update`: pins the newest versions in a file beside the configuration; never older ones than are
 * pinned.
 */
export async function updateLayer({ folder, out }: WorkFolder, signal: AbortSignal): Promise<CommandOutcome> {
  const { chooseLock, updateLock } = await builder();
  const file = join(folder, pinsFileName);
  await requireWritable(folder);
  const { lock } = await chooseLock(file);
  const moves: Move[] = await updateLock(lock, file, { report: (line) => out.note(line), now: new Date() }, signal);
  for (const line of movesTable(moves)) out.say(line);
  out.say(
    moves.length === 0
      ? `nothing newer: ${file} says that today's versions are pinned`
      : `pinned in ${file}: keep it with the configuration; the next run takes it, and so does the next deployment`,
  );
  return { document: { file, moves }, failures: [] };
}

/**
 * `nightjar layer verify`: compares every file of the cached layers with their list of hashes, and that list with the
 * pins.
 */
export async function verifyLayer({ folder, out }: WorkFolder): Promise<CommandOutcome> {
  const { inspectLayers } = await builder();
  const { layers } = await inspectLayers(join(folder, pinsFileName));
  const cached = layers.filter(({ state }) => state !== 'not built');
  for (const { architecture, problems, anchored } of cached) {
    const against = anchored
      ? 'its list of hashes, which is the pinned one'
      : 'its list of hashes; the pins come from another builder, so the list itself could not be compared';
    out.say(
      `${architecture}: ${problems.length === 0 ? `every file is what it was, by ${against}` : problems.join(', ')}`,
    );
  }
  const failures =
    cached.length === 0 ? [noneCached()] : cached.filter(({ state }) => state === 'changed').map(changed);
  for (const failure of failures) out.fail(failure);
  return { document: { layers: layers.map(documentOf) }, failures };
}

/** Checked before anything is fetched, which takes minutes. */
async function requireWritable(folder: string): Promise<void> {
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new BackupError('input-invalid', `${pinsFileName} can't be written into ${folder}: ${messageOf(cause)}`, {
      hint: 'it lies beside the configuration: --config names one in another folder',
      cause,
    });
  });
}

function documentOf({ architecture, folder, state, anchored, problems }: CachedLayer): object {
  return {
    architecture,
    state,
    ...(state !== 'not built' && { folder, anchored }),
    ...(problems.length > 0 && { problems }),
  };
}

function noneCached(): BackupError {
  return new BackupError('tools-missing', 'no layer of these pins is in the cache', { hint: 'nightjar layer build' });
}

function changed({ architecture, folder, problems }: CachedLayer): BackupError {
  return new BackupError(
    'tools-missing',
    `the ${architecture} layer in ${folder} is not what was built: ${plural(problems.length, 'difference')}`,
    {
      hint: 'find out who has been there; the next run builds it anew, and so does: nightjar layer build',
    },
  );
}
