import { databaseOfGlobals, wholeOf } from '../../domain/content-words.ts';
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
  /** Empty an occupied target first. */
  replace: boolean;
  /**
   * Drop what is replaced once the new one is in its place, and what is kept of it from before; without, it is kept
   * where the engine can do that.
   */
  dropOld?: boolean;
  /** Restore and compare owners and grants; without, everything belongs to the role that restores. */
  owners: boolean;
  /** Read the restored database and compare it with the manifest. */
  proof: boolean;
  /** Put things into the tablespaces that they were in (they must be there); without, into the server's default one. */
  tablespaces?: boolean;
  /**
   * Go on without what can't be restored, and list it: what was made is kept, replaces nothing, and counts as proven in
   * no way.
   */
  keepGoing?: boolean;
  /**
   * Let events run that ran in the source, once all is proven. In a copy they would change it, and whatever else their
   * bodies name.
   */
  events?: boolean;
  /** Newer backups that are not good, where nobody has named the one that is restored. */
  passedOver?: readonly PassedOver[];
  /** Only these tables, as a person names them (`orders`, `sales.*`), and what they need. */
  tables?: readonly string[] | undefined;
  /** Definitions alone, and no row. */
  schemaOnly?: boolean | undefined;
  /** A drill: the database must not be there, is made, proven and asked these statements, and dropped whatever happens. */
  drill?: { assert: readonly string[] };
};

/**
 * What a restore will do, decided before anything is written: whoever has seen it, and said yes, has it carried out as
 * it is. `target` is open; `carryOut` closes it, and so must whoever does not go on.
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
 * Looks at the backup and at the place that it is to go to, and changes nothing that is there. All that would make the
 * restore fail or surprise is looked for where it replaces something, or where that is asked for (`foresee`; `reading`:
 * nothing is tried on the server, where a trial would make something for a moment); into what is there and empty, as far
 * as reading tells. `nothing`: the place will be another one when it is restored, for roles are made before it. Throws `input-invalid`,
 * `target-not-empty` where a drill finds a database.
 */
export async function planRestore(
  manifest: Manifest,
  engine: Engine,
  { foresee = false, ...given }: RestoreOptions & { foresee?: boolean | 'reading' | 'nothing' },
  { store }: { store: Store },
  signal: AbortSignal,
): Promise<RestorePlan> {
  // of an adopted dump, everything belongs to the user that has loaded it: that is nobody's will
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
    // what fails in a database that is there, and empty, leaves a part of the backup in it
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
      findings: [...occupied(target, engine, options), ...findings, ...excerptFindings(target)],
    };
  } catch (error) {
    await target.close();
    throw error;
  }
}

/** Why a plan can't be carried out as it is, with all that would have to be mended; undefined where nothing is known. */
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

/** Nothing is mixed into a database that holds something. */
function occupied(
  { state, holds }: Target,
  engine: Engine,
  { replace, tables, schemaOnly }: RestoreOptions,
): Foreseen['findings'] {
  if (state !== 'occupied' || replace) return [];
  return [
    {
      weight: 'fails',
      code: 'target-not-empty',
      what: `${engine.place} is not empty: it holds ${holds}`,
      remedy:
        `name a new ${wholeOf(engine)} with --to` +
        (tables || schemaOnly ? '' : ', or put the backup in its place with --replace'),
    },
  ];
}

/** A drill drops the database at its end, so it must be one that the drill itself has made. */
function requireAbsent({ state }: Target, { place }: Engine): void {
  if (state === 'absent') return;
  throw new BackupError('target-not-empty', `${place} is there already, so that no drill may use it`, {
    hint: 'run the drill again: it takes another name each time',
  });
}

/** Throws `input-invalid` where a place is named (`to`) on the server for what belongs to the whole of it. */
export function requireNoPlace(to: string | undefined, { database }: { database: string }): void {
  if (to === undefined || to === database || database !== databaseOfGlobals) return;
  throw new BackupError('input-invalid', `roles and accounts belong to a whole server, which has no ${to} for them`, {
    hint: 'leave --to out; --server names another server',
  });
}

/** Throws `input-invalid` where a backup of one engine would go into another. */
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
