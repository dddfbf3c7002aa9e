import { findManifest } from '../../core/commands/list.ts';
import { proofSentence } from '../../core/commands/prove.ts';
import { readCatalogPart, requireSameEngine, restoreRecorded } from '../../core/commands/restore.ts';
import type { Source } from '../../core/commands/source.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import { BackupError } from '../../core/domain/errors.ts';
import { newDatabaseName, startOf } from '../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../core/domain/keys.ts';
import { formatBytes, formatDuration, plural } from '../../core/domain/units.ts';
import { confirmByName } from './confirm.ts';
import { readable } from './names.ts';
import type { Outcome } from './output.ts';
import { showProgress } from './progress.ts';
import type { Session } from './session.ts';
import { sizesOf } from './sizes.ts';
import { shortSpan } from './text.ts';
import { told } from './told.ts';

/** As commander gives them. */
export type RestoreFlags = { to?: string; server?: string; replace?: true; yes?: true; owner: boolean; proof: boolean };

/** `nightjar restore`: says what will happen, has it confirmed where something would be lost, restores, proves the result equal, and tells how it ended. */
export async function restoreCommand(name: string, which: string, flags: RestoreFlags, session: Session, signal: AbortSignal): Promise<Outcome> {
  const result = await told({ verb: 'restore', source: name as SourceName }, () => restoreOne(name, which, flags, session, signal), (done) => done, session, signal);
  return { document: { result }, failures: [] };
}

async function restoreOne(name: string, which: string, flags: RestoreFlags, session: Session, signal: AbortSignal): Promise<object> {
  const { nightjar, out } = session;
  const manifest = await findManifest(await readable(name, nightjar, signal), which, nightjar.vault, signal);
  const database = flags.to ?? newDatabaseName(manifest);
  const source = await nightjar.source(serverOf(name, flags, session), { database }, signal);
  requireSameEngine(manifest, source.engine);
  const started = Date.now();
  const preview = await lookAt(manifest, source, flags, session, signal);
  for (const line of preview.lines) out.note(line);
  if (preview.loses && flags.replace && !flags.yes) await confirmByName(database, `--replace drops what ${source.engine.place} holds: ${preview.holds}`, out, signal);
  const progress = showProgress(manifest.source, 'restoring', out, Date.now);
  try {
    const options = { replace: flags.replace === true, owners: flags.owner, proof: flags.proof };
    const restored = await restoreRecorded(manifest, source.engine, options, { ...nightjar, report: progress.report, parallel: source.parallel }, signal);
    progress.end();
    const ms = Date.now() - started;
    out.say(`restored ${manifest.source} ${manifest.id} into ${source.engine.place} in ${formatDuration(ms)}`);
    out.say(restored.proof === undefined ? 'not proven: --no-proof left the comparison out' : proofSentence(restored.proof));
    return { source: manifest.source, id: manifest.id, place: source.engine.place, database, ms, proven: restored.proof !== undefined, ...(restored.proof && { proof: restored.proof }) };
  } finally {
    progress.end();
  }
}

function serverOf(name: string, { server }: RestoreFlags, { nightjar }: Session): string {
  if (server !== undefined || nightjar.sourceNames.includes(name as SourceName)) return server ?? name;
  throw new BackupError('input-invalid', `${name} has backups, and is no longer in the configuration`, { hint: `say on whose server to restore: --server ${nightjar.sourceNames.join(' or ')}` });
}

type Preview = { lines: string[]; loses: boolean; holds: string };

async function lookAt(manifest: Manifest, source: Source, { owner, replace }: RestoreFlags, { nightjar }: Session, signal: AbortSignal): Promise<Preview> {
  const catalog = await readCatalogPart(manifest, nightjar.vault, signal);
  const target = await source.engine.target({ manifest, catalog, owners: owner }, signal);
  const { tables, rows, bytes } = sizesOf(manifest);
  const age = shortSpan(nightjar.clock.now().getTime() - startOf(manifest.id as BackupId).getTime());
  const state = { absent: 'a new database', empty: 'there, and empty', occupied: replace ? `holds ${target.holds}: ALL OF IT WILL BE DROPPED` : `holds ${target.holds}` }[target.state];
  await target.close();
  return {
    lines: [
      `backup  ${manifest.source} ${manifest.id}, ${age} old: ${plural(tables, 'table')}, ${plural(rows, 'row')}, ${formatBytes(bytes)}`,
      `into    ${source.engine.place} (${state})`,
    ],
    loses: target.state === 'occupied',
    holds: target.holds,
  };
}
