import { catalogSchema } from '../contract/catalog.ts';
import type { Manifest, ManifestPart } from '../contract/manifest.ts';
import { BackupError, isBackupError, messageOf } from '../domain/errors.ts';
import { partKey } from '../domain/keys.ts';
import type { BackupId, ObjectKey, SourceName } from '../domain/keys.ts';
import type { Bytes } from '../domain/units.ts';
import type { ByteStream, Catalog, Clock, Engine, LoadStep, Report, Target, Vault } from '../ports.ts';
import { atOnce } from './at-once.ts';
import { openPart } from './parts.ts';
import { proofSentence, prove, requireEqual } from './prove.ts';
import type { Proof } from './prove.ts';
import { recorded } from './records.ts';
import { verify } from './verify.ts';

export type RestoreOptions = {
  /** Empty an occupied target first. */
  replace: boolean;
  /** Restore and compare owners and grants; without, everything belongs to the role that restores. */
  owners: boolean;
  /** Read the restored database and compare it with the manifest. */
  proof: boolean;
};
export type Restored = { id: string; database: string; proof?: Proof };
type Deps = { vault: Vault; report: Report; parallel: number };

const discardLimitMs = 30_000;
/** It is held in memory; a thousand tables take half a megabyte. */
const largestCatalog = 256 * 1024 ** 2;

/**
 * Restores a backup into the database of `engine` and proves it equal. A target that holds objects is refused unless `replace` says
 * otherwise; then the whole backup is verified first, and where the engine can do it, made and proven beside what it replaces. After a failure,
 * a database that was made here is dropped.
 */
export async function restore(manifest: Manifest, engine: Engine, options: RestoreOptions, deps: Deps, signal: AbortSignal): Promise<Restored> {
  requireSameEngine(manifest, engine);
  const catalog = await readCatalogPart(manifest, deps.vault, signal);
  const expected = { manifest, catalog, owners: options.owners };
  const target = await engine.target(expected, signal);
  try {
    if (target.state === 'occupied') await requireReplaceable(manifest, target, engine, options, deps, signal);
    announce(manifest, engine.place, deps.report);
    await target.prepare(options.replace, signal);
    await load(manifest, target, deps, signal);
    deps.report({ type: 'stage', label: 'proof', totalBytes: dataBytes(manifest.parts) });
    const proof = options.proof ? await prove(engine, { ...expected, database: target.made() }, deps, signal) : undefined;
    if (proof !== undefined) requireEqual(proof, target.made() === target.database ? engine.place : `${engine.place} (in database ${target.made()}, beside it)`);
    await target.finish(signal);
    return { id: manifest.id, database: target.database, ...(proof && { proof }) };
  } finally {
    await target.close();
  }
}

/** Throws `input-invalid` where a backup of one engine would go into another. */
export function requireSameEngine(manifest: Manifest, engine: Engine): void {
  if (manifest.engine === engine.name) return;
  throw new BackupError('input-invalid', `${manifest.source} is a backup of ${manifest.engine}, and ${engine.place} is ${engine.name}`, {
    hint: 'name a source of the same engine as the target',
  });
}

/** The same, and writes down beside the backup how a restore that was to be proven ended. */
export async function restoreRecorded(manifest: Manifest, engine: Engine, options: RestoreOptions, deps: Deps & { clock: Clock }, signal: AbortSignal): Promise<Restored> {
  return recorded('restore', manifest, deps, () => restore(manifest, engine, options, deps, signal), ({ proof }) => proof && { compared: proofSentence(proof), differences: proof.differences });
}

/** What stands in a backup's catalog part. Throws `part-corrupt`. */
export async function readCatalogPart(manifest: Manifest, vault: Vault, signal: AbortSignal): Promise<Catalog> {
  const part = manifest.parts.find(({ role }) => role === 'catalog');
  if (part === undefined) throw new BackupError('manifest-invalid', `the manifest of ${manifest.source} ${manifest.id} names no catalog`);
  const name = `${vault.place}/${keyOf(manifest, part.file)}`;
  if (part.bytes > largestCatalog) throw new BackupError('part-corrupt', `${name} is no catalog: the manifest says that it holds ${part.bytes} bytes`);
  const chunks = await Array.fromAsync(openPart(keyOf(manifest, part.file), part, vault, signal));
  try {
    return catalogSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
  } catch (cause) {
    throw new BackupError('part-corrupt', `${name} is no catalog`, { cause });
  }
}

async function requireReplaceable(manifest: Manifest, target: Target, engine: Engine, { replace }: RestoreOptions, deps: Deps, signal: AbortSignal): Promise<void> {
  if (!replace) {
    throw new BackupError('target-not-empty', `${engine.place} is not empty: it holds ${target.holds}`, {
      hint: 'name a new database with --to, or drop what is there with --replace',
    });
  }
  const { problems } = await verify(manifest, deps, signal);
  if (problems[0] !== undefined) throw problems[0].error;
}

async function load(manifest: Manifest, target: Target, deps: Deps, signal: AbortSignal): Promise<void> {
  try {
    for (const steps of target.stages) {
      deps.report({ type: 'stage', label: steps[0]?.part.role === 'data' ? 'rows' : (steps[0]?.label ?? ''), totalBytes: dataBytes(steps.map(({ part }) => part)) });
      await atOnce(deps.parallel, steps, (step, stop) => loadStep(step, manifest, deps, stop), signal);
    }
  } catch (error) {
    await target.discard(AbortSignal.timeout(discardLimitMs)).catch((cause: unknown) => {
      throw new BackupError(isBackupError(error) ? error.code : 'restore-failed', `${messageOf(error)}; the half-restored database ${target.database} could not be dropped: ${messageOf(cause)}`, { cause: error });
    });
    throw error;
  }
}

async function loadStep({ part, load: into }: LoadStep, manifest: Manifest, { vault, report }: Deps, signal: AbortSignal): Promise<void> {
  const key = keyOf(manifest, part.file);
  async function* passing(): ByteStream {
    for await (const chunk of openPart(key, part, vault, signal)) {
      report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: 0 });
      yield chunk;
    }
  }
  await into(passing(), signal);
  report({ type: 'part-done', file: part.file, bytes: part.bytes, storedBytes: part.storedBytes, rows: part.rows ?? 0 });
}

function announce(manifest: Manifest, place: string, report: Report): void {
  const totalBytes = dataBytes(manifest.parts);
  report({ type: 'planned', source: manifest.source as SourceName, id: manifest.id as BackupId, what: `restore into ${place}`, totalBytes, parts: manifest.parts.length });
}

/** Definitions take the time that the server takes, whatever their size. */
function dataBytes(parts: readonly ManifestPart[]): Bytes {
  return parts.reduce((sum, part) => sum + (part.role === 'data' ? part.bytes : 0), 0);
}

function keyOf(manifest: Manifest, file: string): ObjectKey {
  return partKey(manifest.source as SourceName, manifest.id as BackupId, file);
}
