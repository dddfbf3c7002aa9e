import { immovable } from './movable.ts';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError } from '../../../domain/errors.ts';
import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import { packCatalog } from '../../../domain/packed/catalog.ts';
import { contentBytes } from '../../../domain/parts/sizes.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { ByteStream, Foreseen, LoadStep, RestoreFinding, Target, TargetOptions } from '../../../ports.ts';
import { claimPlace } from '../../places/claim.ts';
import type { PlaceClaim } from '../../places/claim.ts';
import { sweepUnfinished, unfinishedName } from '../../places/unfinished.ts';
import { placesIn } from '../sharing/places.ts';
import { guardedTar } from '../tar/guard.ts';
import { extractTar, gnuTar } from '../tar/program.ts';
import { judgeBy, livingIn, requireOwners, requireSound } from './allowed.ts';
import { chooseFiles, holdingChosen } from './excerpt.ts';
import { foldersFirst, hiddenName, isMountPoint, lacksSpace, makeAbove, makeWork } from './folder.ts';
import { putInPlace, standingAt, syncDisk, syncNames } from './folder.ts';
import { fateOfOld, keptName, replaceFolder } from './kept.ts';
import { excludedIn, leftOut } from './left-out.ts';
import { dropFresh, removeLeft } from './leftovers.ts';
import { removeTree } from './remove.ts';
import type { Tools } from '../../../tools.ts';

/** Where a folder is, and the names of folders for others. */
export type FilesPlace = {
  path: string;
  called(path: string): string;
  tools(signal: AbortSignal): Promise<Tools>;
  /** What backups of this folder leave out; absent if it is not the one that is backed up, or they leave out nothing. */
  excludes?(path: string): boolean;
};

/**
 * A folder to restore into. It is made under a temporary name beside its place, and renamed when it is complete: at no
 * moment is half of it visible.
 */
export async function filesTarget(
  { path, called, tools, excludes }: FilesPlace,
  options: TargetOptions,
  signal: AbortSignal,
): Promise<Target> {
  const { manifest, owners, drill = false, dropOld = false, proof = true } = options;
  const catalog = options.packed ?? packCatalog(options.catalog);
  if (owners) requireOwners(catalog, path);
  const { program } = await gnuTar(tools, signal);
  requireSound(catalog);
  const files = options.tables && chooseFiles({ manifest, catalog }, options.tables.asked);
  const judge = judgeBy(catalog, files?.chosen ?? (() => true));
  const places = options.open && (await placesIn(manifest, options.open, signal));
  const { state, holds, ino } = await standingAt(path);
  const [above, name] = [dirname(path), basename(path)];
  const beside = (one: string) => join(above, one);
  const work = basename(unfinishedName(hiddenName(path)));
  const [old, fresh] = [await keptName(path, manifest.id), `${name}.new_${manifest.id}`];
  const withFolders = foldersFirst(beside(work));
  let claim: PlaceClaim | undefined;
  let made: string | undefined;
  let madeAs = drill ? work : state === 'occupied' ? fresh : name;
  let isBroken = false;
  const mended: string[] = [];

  function step(part: ManifestPart, then: () => Promise<void>): LoadStep {
    const living = livingIn(places, part, judge);
    const inspect = (content: ByteStream) => guardedTar(content, part.file, living);
    async function load(content: ByteStream, stop: AbortSignal): Promise<void> {
      if (isBroken) throw new BackupError('restore-failed', 'a part before this one could not be restored');
      try {
        await extractTar(beside(work), guardedTar(content, part.file, withFolders(living)), { program, owners }, stop);
        await then();
      } catch (error) {
        isBroken = true;
        throw error;
      }
    }
    return { part, label: part.role === 'data' ? part.file : 'folders', inspect, load };
  }

  /** Everything is there: gives it its name. */
  async function nameIt(): Promise<void> {
    if (drill) return;
    await putInPlace(beside(work), beside(madeAs));
    made = madeAs;
  }

  const parts = (role: ManifestPart['role']) => manifest.parts.filter((part) => part.role === role);
  const data = files === undefined ? parts('data') : parts('data').filter(holdingChosen(files, places));
  const nothing = async () => undefined;

  return {
    database: called(path),
    state,
    holds,
    ...(state === 'occupied' && !dropOld && { keptAs: old }),
    notes: [],
    failures: [],
    leftOut: [],
    mended,
    noDefinitions: true,
    ...(files && { excerpt: files.excerpt }),
    foresee: (replace, _contents, stop) =>
      foresee(path, { state, holds, old, fresh, dropOld, replace, excludes, bytes: contentBytes(data) }, stop),
    stages: [data.map((part) => step(part, nothing)), parts('after').map((part) => step(part, nameIt))],
    async prepare(replace, stop) {
      await makeAbove(path);
      if (!drill) claim = await claimPlace(hiddenName(path), path, stop);
      const now = await standingAt(path);
      const isChanged = now.state !== state || now.ino !== ino;
      if (isChanged || (state === 'occupied' && !replace)) throw changedError(path, now.holds);
      await sweepUnfinished(hiddenName(path), async (left) => void mended.push(await removeLeft(left)));
      if (state === 'occupied') await dropFresh(beside(fresh));
      await makeWork(beside(work), contentBytes(data));
      made = work;
    },
    made: () => called(beside(madeAs)),
    async finish(stop) {
      if (drill) await removeTree(beside(work));
      if (drill || state !== 'occupied') return [];
      await syncDisk(beside(fresh), stop);
      const now = await standingAt(path);
      if (now.ino !== ino) throw changedError(path, now.holds);
      await replaceFolder(path, beside(fresh), beside(old));
      await syncNames(above);
      [madeAs, made] = [name, undefined];
      const own = excludes && { excludedIn: (kept: string) => excludedIn(kept, excludes, stop) };
      return fateOfOld(path, old, { dropOld, proven: proof, ...own });
    },
    async keep() {
      if (drill) await removeTree(beside(work));
      return drill || made === undefined ? [] : [`what was restored is kept as ${beside(made)}`];
    },
    async discard() {
      if (made !== undefined) await removeTree(beside(made));
      made = undefined;
    },
    standing: () => (made === undefined || made === work ? asBefore(path, state) : `${beside(made)} is there`),
    close: async () => claim?.release(),
  };
}

function asBefore(path: string, state: Target['state']): string {
  return state === 'absent' ? `${path} is not there` : `${path} is as it was`;
}

function changedError(path: string, holds: string): BackupError {
  return new BackupError('target-not-empty', `${path} is not what it was a moment ago: it holds ${holds}`, {
    hint: 'look again: the same command with --plan',
  });
}

type Foreseeing = Pick<Target, 'state' | 'holds'> & {
  old: string;
  fresh: string;
  dropOld: boolean;
  replace: boolean;
  excludes: FilesPlace['excludes'];
  bytes: Bytes;
};

async function foresee(
  path: string,
  { state, holds, replace, bytes, excludes, ...names }: Foreseeing,
  signal: AbortSignal,
): Promise<Foreseen> {
  if (state === 'occupied' && !replace) return { steps: [], findings: [] };
  const findings: RestoreFinding[] = [];
  const lacking = await lacksSpace(path, bytes).catch(() => undefined);
  if (lacking !== undefined) findings.push({ weight: 'may-fail', what: lacking, remedy: 'free some space there' });
  if (state !== 'occupied') return { steps: [`make ${path}`, 'unpack every part and prove it'], findings };
  if (holds === 'a link') findings.push(await linked(path));
  else if (await isMountPoint(path)) findings.push(mounted(path));
  findings.push(...(await immovable(path)));
  if (excludes !== undefined) findings.push(...(await leftOut(path, { ...names, excludes }, signal)));
  return { steps: replacing(path, names), findings };
}

function replacing(path: string, { old, fresh, dropOld }: Pick<Foreseeing, 'old' | 'fresh' | 'dropOld'>): string[] {
  return [
    `make ${fresh} beside ${path}, unpack every part there and prove it`,
    `rename ${path} to ${old}`,
    `rename ${fresh} to ${path}`,
    ...(dropOld ? [`remove ${old}, and whatever earlier replacements have kept`] : []),
  ];
}

async function linked(path: string): Promise<RestoreFinding> {
  const place = await realpath(path).catch(() => 'nowhere');
  return {
    weight: 'fails',
    what: `${path} is a link to ${place}: a folder would take the place of the link, and ${place} would stay as it is`,
    remedy: `name the folder itself: --to ${place} --replace`,
  };
}

function mounted(path: string): RestoreFinding {
  return {
    weight: 'fails',
    what: `${path} is where a disk is mounted: it can't be renamed`,
    remedy: 'restore into a folder on that disk, by --to, and move what you need',
  };
}
