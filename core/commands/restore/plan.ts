import { databaseOfGlobals, wholeOf } from '../../domain/content-words.ts';
import { word } from '../../domain/messages/text.ts';
import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import type { PackedCatalog } from '../../domain/packed/catalog.ts';
import type { Catalog, Engine, Foreseen, Target } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import type { PassedOver } from '../../survey/choose.ts';
import { requireNamed } from './passed-over.ts';
import { definitionsAlone } from './schema-only.ts';
import { excerptFindings, excerptSteps, requireBeside, requireDefinitions, requireExcerpt } from './tables.ts';

export type RestoreOptions = {
  /** Replace an occupied target. */
  replace: boolean;
  /**
   * Drop what is replaced once the new one is in its place, and what was kept from earlier replacements; otherwise it
   * is kept where the engine can do that.
   */
  dropOld?: boolean;
  /** Restore and compare owners and grants; otherwise everything belongs to the role that restores. */
  owners: boolean;
  /** Read the restored database and compare it with the manifest. */
  proof: boolean;
  /** Put objects into their original tablespaces, which must exist; otherwise into the server's default one. */
  tablespaces?: boolean;
  /** Skip what can't be restored, and list it. The result is kept, replaces nothing, and never counts as proven. */
  keepGoing?: boolean;
  /**
   * Enable the events that ran in the source, once everything is proven. In a copy they would change the copy, and
   * whatever else their bodies name.
   */
  events?: boolean;
  /** Newer backups that are not good, if nobody named the one to restore. */
  passedOver?: readonly PassedOver[];
  /** Only these tables, as a person names them (`orders`, `sales.*`), and what they need. */
  tables?: readonly string[] | undefined;
  /** One of all databases of a server, which stay under their names: `--to` is refused there. */
  ofServer?: boolean;
  /** Only definitions, no rows. */
  schemaOnly?: boolean | undefined;
  /**
   * A drill: the database must not exist; it is made, proven, checked with these statements, and dropped whatever
   * happens.
   */
  drill?: { assert: readonly string[] };
};

/**
 * What a restore will do, decided before anything is written: what a person confirms is carried out exactly. `target`
 * is open. `carryOut` closes it; whoever does not carry it out must close it.
 */
export type RestorePlan = {
  manifest: Manifest;
  catalog: Catalog;
  packed: PackedCatalog | undefined;
  engine: Engine;
  options: RestoreOptions;
  target: Target;
} & Foreseen;

/**
 * Looks at the backup and at its target, and changes nothing. Searches for everything that would make the restore fail
 * or surprise, if the target is replaced or if `foresee` asks for it; for an existing empty target, as far as reading
 * tells. `reading`: no trial on the server that would make something for a moment. `nothing`: the server will be
 * different at the time of the restore, because roles are made first. Throws `input-invalid`, and `target-not-empty` if
 * the database of a drill exists.
 */
export async function planRestore(
  manifest: Manifest,
  engine: Engine,
  { foresee = false, ...given }: RestoreOptions & { foresee?: boolean | 'reading' | 'nothing' },
  { store }: { store: Store },
  signal: AbortSignal,
): Promise<RestorePlan> {
  // everything in an adopted dump belongs to the user that loaded it, which nobody intended
  const options = { ...given, owners: given.owners && manifest.adopted === undefined };
  requireSameEngine(manifest, engine);
  requireBeside(options);
  const packed = engine.largeCatalogs === true ? await store.readPackedCatalog(manifest, signal) : undefined;
  const catalog = packed === undefined ? await store.readCatalog(manifest, signal) : {};
  const { owners, proof, tablespaces = true, keepGoing = false, events = false, dropOld = false } = options;
  const drill = options.drill !== undefined;
  const tries = foresee === true || (foresee !== 'reading' && options.replace);
  const contents = (part: ManifestPart, stop: AbortSignal) => store.openPart(manifest, part, stop);
  const tables = options.tables && { asked: options.tables, open: contents };
  const whole = await engine.target(
    {
      ...{
        manifest,
        catalog,
        packed,
        tries,
        open: contents,
        owners,
        proof,
        tablespaces,
        keepGoing,
        events,
        dropOld,
        drill,
      },
      ...(tables && { tables }),
    },
    signal,
  );
  const target = options.schemaOnly === true ? definitionsAlone(whole, manifest, catalog) : whole;
  try {
    requireExcerpt(options.tables, whole, engine);
    requireDefinitions(options.schemaOnly === true, whole, engine);
    requireNamed(manifest, options.passedOver ?? [], { target, replace: options.replace });
    if (drill) requireAbsent(target, engine);
    // a failure in an existing empty database leaves a part of the backup in it
    const looks = options.replace || (foresee !== 'nothing' && (foresee !== false || target.state === 'empty'));
    const known = looks ? await target.foresee?.(options.replace, contents, signal) : undefined;
    const { steps, findings } = known ?? { steps: [], findings: [] };
    return {
      manifest,
      catalog,
      packed,
      engine,
      options,
      target,
      steps: [...steps, ...excerptSteps(target, manifest)],
      findings: [...occupied(target, engine, manifest, options), ...findings, ...excerptFindings(target)],
    };
  } catch (error) {
    await target.close();
    throw error;
  }
}

/** Why a plan can't be carried out, with everything that has to be fixed; undefined if nothing is known. */
export function hindrance({ findings, target }: RestorePlan): BackupError | undefined {
  const failing = findings.filter(({ weight }) => weight === 'fails');
  if (failing.length === 0) return undefined;
  const likely = findings.filter(({ weight }) => weight === 'may-fail');
  const codes = new Set(failing.map(({ code = 'restore-failed' }) => code));
  const remedies = [...new Set([...failing, ...likely].flatMap(({ remedy }) => remedy ?? []))];
  const whats = [...failing.map(({ what }) => what), ...likely.map(({ what }) => `and it may fail: ${what}`)];
  return new BackupError(
    codes.size === 1 ? [...codes][0]! : 'restore-failed',
    [...whats, ...(codes.has('target-not-empty') ? [] : [target.standing()])].join('; '),
    { hint: remedies.length === 0 ? undefined : remedies.join(' ') },
  );
}

/** Nothing is mixed into a database that holds objects. */
function occupied(
  { state, holds, database }: Target,
  engine: Engine,
  { source }: Manifest,
  { replace, tables, schemaOnly, ofServer }: RestoreOptions,
): Foreseen['findings'] {
  if (state !== 'occupied' || replace) return [];
  const alone = `nightjar restore ${word(source)}`;
  const remedy = ofServer
    ? `beside it: ${alone}; in its place: ${alone} --to ${word(database)} --replace`
    : `name a new ${wholeOf(engine)} with --to` +
      (tables || schemaOnly ? '' : ', or put the backup in its place with --replace');
  const what = `${engine.place} is not empty: it holds ${holds}`;
  return [{ weight: 'fails', code: 'target-not-empty', what, remedy }];
}

/** A drill drops the database at its end, so the drill must have made it itself. */
function requireAbsent({ state }: Target, { place }: Engine): void {
  if (state === 'absent') return;
  throw new BackupError('target-not-empty', `${place} is there already, so that no drill may use it`, {
    hint: 'run the drill again: it takes another name each time',
  });
}

/** Throws `input-invalid` if a place (`to`) is named for what belongs to a whole server. */
export function requireNoPlace(to: string | undefined, { database }: { database: string }): void {
  if (to === undefined || to === database || database !== databaseOfGlobals) return;
  throw new BackupError('input-invalid', `roles and accounts belong to a whole server, which has no ${to} for them`, {
    hint: 'leave --to out; --server names another server',
  });
}

/** Throws `input-invalid` if the backup is of another engine. */
export function requireSameEngine(manifest: Manifest, engine: Engine): void {
  if (manifest.engine === engine.name) return;
  throw new BackupError(
    'input-invalid',
    `${manifest.source} is a backup of ${manifest.engine}, and ${engine.place} is ${engine.name}`,
    {
      hint: 'name a source of the same engine as the target',
    },
  );
}
