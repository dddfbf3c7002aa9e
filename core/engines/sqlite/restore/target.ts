import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError } from '../../../domain/errors.ts';
import { formatBytes } from '../../../domain/units.ts';
import type { Foreseen, Target, TargetOptions } from '../../../ports.ts';
import { oldNotes } from '../../kept-notes.ts';
import { claimPlace } from '../../places/claim.ts';
import type { PlaceClaim } from '../../places/claim.ts';
import { sweepUnfinished, unfinishedName } from '../../places/unfinished.ts';
import { databaseAt, placeOf, realOf, unlessGone } from '../place.ts';
import type { SqliteFiles } from '../place.ts';
import { ownFolder } from '../scratch.ts';
import { askTrue } from './assertion.ts';
import { requireRoom, syncFolder, writeFileWhole } from './file.ts';
import { dropKept, freeName, keptFiles } from './kept.ts';
import { removeDatabase, requireNothingBeside } from './names.ts';
import { ownerFindings } from './owner.ts';
import { exchange, exchangedMeanwhile, putAt, requireFree, usersOf } from './swap.ts';

/**
 * A file to restore into. It is made under a temporary name beside its place (for a drill, in the scratch folder), and
 * renamed once it is proven.
 */
export async function openTarget(
  written: string,
  own: SqliteFiles,
  { manifest, owners, drill = false, dropOld = false, proof = true }: TargetOptions,
): Promise<Target> {
  const place = placeOf(written);
  const path = await realOf(written);
  const found = await stat(path).catch(unlessGone);
  if (found !== undefined && !found.isFile()) throw noFile(place);
  const [part] = manifest.parts.filter(({ role }) => role === 'data');
  if (part === undefined)
    throw new BackupError('manifest-invalid', `${manifest.source} ${manifest.id} has no data part`);
  const before = found === undefined ? undefined : await freeName(path, 'before', manifest.id);
  const mended: string[] = [];
  let [made, replacing, outcome] = ['', false, ''];
  let claim: PlaceClaim | undefined;
  let removeFolder = async (): Promise<void> => undefined;

  async function prepare(replace: boolean, stop: AbortSignal): Promise<void> {
    if (!drill) await requireRoom(dirname(path), part!.bytes);
    if (!drill) claim = await claimPlace(path, place, stop);
    const now = await stat(path).catch(unlessGone);
    const isThere = now !== undefined;
    if (isThere && !(replace && found !== undefined)) throw occupied(place);
    if (isThere && now.ino !== found?.ino) throw exchangedMeanwhile(place);
    replacing = isThere;
    if (!isThere && !drill) await requireNothingBeside(path, place);
    if (replacing) await requireFree(path, place, stop);
    const folder = drill ? await ownFolder(own.scratch) : undefined;
    removeFolder = folder?.remove ?? removeFolder;
    const name = unfinishedName(folder === undefined ? path : join(folder.path, basename(path)));
    if (drill) await requireRoom(dirname(name), part!.bytes);
    if (folder === undefined) mended.push(...(await sweepUnfinished(path, removeDatabase)).map(leftNote));
    made = name;
  }
  async function discard(): Promise<void> {
    if (made !== '') await removeDatabase(made);
    await removeFolder();
  }
  async function finish(stop: AbortSignal): Promise<string[]> {
    if (drill) return discard().then(() => []);
    if (!replacing) {
      await putAt({ made, path, place, owners });
      outcome = `${place} is restored`;
      await removeDatabase(made);
      await syncFolder(dirname(path));
      return [];
    }
    await exchange({ made, path, before: before!, place, owners, was: found?.ino }, stop);
    outcome = `${place} is restored`;
    await syncFolder(dirname(path));
    const fate = { before: basename(before!), dropOld, proven: proof, keepMs: own.keepReplacedMs };
    return oldNotes(fate, {
      list: () => keptFiles(path, own),
      drop: (which) => dropKept(path, which, own),
      byHand: (name) => `delete the file ${join(dirname(path), name)}`,
    });
  }
  async function keep(): Promise<string[]> {
    if (drill) return discard().then(() => []);
    const kept = `${path}.unproven_${manifest.id}`;
    await putAt({ made, path: kept, place, owners: false });
    await removeDatabase(made);
    made = kept;
    await syncFolder(dirname(path));
    return [`what was restored is kept as ${kept}, for somebody to look at`];
  }

  return {
    database: databaseAt(written, own),
    state: found === undefined ? 'absent' : 'occupied',
    holds: found === undefined ? '' : `a file of ${formatBytes(found.size)}`,
    ...(before !== undefined && !dropOld && { keptAs: basename(before) }),
    notes: [],
    noDefinitions: true,
    failures: [],
    leftOut: [],
    mended,
    foresee: async (replace) => foresee({ path, place, before, replace, dropOld, owners }),
    prepare,
    stages: [[{ part, label: 'file', load: (content) => writeFileWhole(made, content) }]],
    made: () => made,
    assert: (statement, stop) => askTrue(made, place, statement, stop),
    finish,
    keep,
    discard,
    standing: () => (outcome !== '' ? outcome : `${place} is ${found === undefined ? 'not there' : 'as it was'}`),
    close: async () => claim?.release(),
  };
}

type ForeseenFile = { path: string; place: string; before: string | undefined; replace: boolean } & Pick<
  TargetOptions,
  'owners' | 'dropOld'
>;

async function foresee({ path, place, before, replace, dropOld, owners }: ForeseenFile): Promise<Foreseen> {
  if (before === undefined) return { steps: [`make the file ${path}`], findings: [] };
  if (!replace) return { steps: [], findings: [] };
  const users = await usersOf(path);
  return {
    steps: [
      `make the file beside ${path}, and prove it there`,
      `rename ${path} to ${basename(before)}, and the new file to its name`,
      ...(dropOld ? [`delete ${basename(before)}, and whatever earlier replacements have kept`] : []),
    ],
    findings: [
      ...(users.length === 0 ? [] : [openElsewhere(place, users)]),
      ...(owners ? await ownerFindings(path, place) : []),
    ],
  };
}

function openElsewhere(place: string, users: readonly string[]): Foreseen['findings'][number] {
  return {
    weight: 'fails',
    what: `${place} is open in ${users.join(', ')}`,
    remedy: 'stop it first: it would go on writing to the file that was replaced',
  };
}

function leftNote(name: string): string {
  return `${name}, which a restore that died had left, was removed`;
}

function occupied(place: string): BackupError {
  return new BackupError('target-not-empty', `${place} is there by now`, {
    hint: 'name another file with --to, or put the backup in its place with --replace',
  });
}

function noFile(place: string): BackupError {
  return new BackupError('input-invalid', `${place} is no file`, { hint: 'name a file with --to' });
}
