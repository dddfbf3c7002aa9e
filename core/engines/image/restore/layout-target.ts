import { rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError } from '../../../domain/errors.ts';
import { formatBytes } from '../../../domain/units.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { RestoreFinding, Target, TargetOptions } from '../../../ports.ts';
import { makeFolder } from '../../places/folders.ts';
import { sweepUnfinished, unfinishedName } from '../../places/unfinished.ts';
import { beginLayout, endLayout, layoutStanding, syncFolder, unwritable, writeBlob } from '../layout/files.ts';
import { stepsOf } from './steps.ts';

/**
 * A folder to restore into, as an OCI layout. It is made under a temporary name beside its place, and renamed when it
 * is complete and proven.
 */
export async function layoutTarget(
  { folder, name }: { folder: string; name: string },
  { manifest, catalog, drill = false }: TargetOptions,
): Promise<Target> {
  const { state, holds } = await layoutStanding(folder);
  // all drills leave their leftovers under one name
  const left = join(dirname(folder), drill ? '.nightjar-image-drill' : `.${basename(folder)}`);
  const work = unfinishedName(left);
  const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
  const mended: string[] = [];
  let outcome = state === 'occupied' ? `${folder} is as it was` : `${folder} is not made`;

  const { stages, top } = stepsOf(manifest, catalog, {
    blob: ({ digest }, content, stop) => writeBlob(work, digest, content, stop),
    async document(named, content, stop) {
      await writeBlob(work, named.digest, one(content), stop);
      if (named.digest === top.digest) await endLayout(work, top);
    },
  });
  const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

  return {
    database: name,
    state,
    holds,
    ...(state === 'occupied' && { untouched: 'no folder is replaced by an image' }),
    notes: [],
    noDefinitions: true,
    failures: [],
    leftOut: [],
    mended,
    foresee: async (replace) => ({
      steps: state === 'occupied' ? [] : [`make the OCI layout ${folder}, and prove it`],
      findings: state === 'occupied' && replace ? [notReplaced(folder)] : [],
    }),
    async prepare() {
      if (state === 'occupied') throw occupied(folder);
      await makeFolder(dirname(folder)).catch((cause: unknown) => {
        throw unwritable(folder, cause);
      });
      const swept = await sweepUnfinished(left, remove);
      mended.push(...swept.map((path) => `${path}, which a restore that died had left, was removed`));
      await requireRoom(dirname(folder), bytes);
      await beginLayout(work, drill).catch((cause: unknown) => {
        throw unwritable(folder, cause);
      });
    },
    stages,
    made: () => work,
    async finish() {
      if (drill) return remove(work).then(() => []);
      await rename(work, folder).catch((cause: unknown) => {
        throw new BackupError('target-not-empty', `${folder} is not what it was a moment ago`, {
          hint: 'name a folder with --to that is not there',
          cause,
        });
      });
      outcome = `${folder} is restored`;
      await syncFolder(dirname(folder));
      return [];
    },
    async keep() {
      if (drill) return remove(work).then(() => []);
      const kept = `${folder}.unproven_${manifest.id}`;
      await rename(work, kept);
      return [`what was restored is kept as ${kept}, for somebody to look at`];
    },
    discard: () => remove(work),
    standing: () => outcome,
    close: async () => undefined,
  };
}

async function* one(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

async function requireRoom(folder: string, bytes: Bytes): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  const what = `${folder} has ${formatBytes(bavail * bsize)} free, and ${formatBytes(bytes)} come`;
  throw new BackupError('machine-failed', what, { hint: 'free some space there, or name another folder' });
}

function notReplaced(folder: string): RestoreFinding {
  return {
    weight: 'fails',
    what: `${folder} is a folder, and no folder is replaced by an image`,
    remedy: 'name another one with --to',
  };
}

function occupied(folder: string): BackupError {
  return new BackupError('target-not-empty', `${folder} is there by now`, { hint: 'name another folder with --to' });
}
