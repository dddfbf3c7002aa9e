import { join, matchesGlob, resolve } from 'node:path';
import { copyBackup } from '../../../../core/commands/copy.ts';
import type { CopiedBackup } from '../../../../core/commands/copy.ts';
import type { Manifest, ManifestPart } from '../../../../core/contract/manifest/manifest.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import { formatBytes, plural } from '../../../../core/domain/units.ts';
import { chooseBackup } from '../../../../core/survey/choose.ts';
import { memoryFor, readable } from '../../names.ts';
import type { CommandOutcome } from '../../text/output.ts';
import { showProgress } from '../../text/progress.ts';
import type { CommandSession } from '../../session.ts';
import { pullSql } from './pull-sql.ts';
import type { SqlFlags } from './pull-sql.ts';

/** Into a folder, all of it or some parts; or as SQL. */
export type PullFlags = SqlFlags & { to?: string; parts?: string; sql?: true };

/** `nightjar pull`: copies a backup into a folder as it is stored, or writes it as SQL. */
export async function pullCommand(
  name: string,
  which: string,
  flags: PullFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  requireOneWay(flags);
  requireNoneOfSql(name, flags);
  const { nightjar, out } = session;
  const source = await readable(name, nightjar, signal);
  const { manifest, warnings } = await chooseBackup(source, which, memoryFor(source, nightjar), nightjar, signal);
  for (const line of warnings) out.note(`warning ${line}`);
  return flags.to === undefined
    ? pullSql(manifest, flags, session, signal)
    : pullInto(flags.to, manifest, flags, session, signal);
}

async function pullInto(
  to: string,
  manifest: Manifest,
  { parts: pattern }: PullFlags,
  { nightjar, out, cwd }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const source = manifest.source as SourceName;
  const only = pattern === undefined ? undefined : chosenBy(pattern, manifest);
  const folder = await nightjar.storeIn(resolve(cwd, to));
  const progress = showProgress(source, 'pulling', out, Date.now);
  try {
    const deps = { ...nightjar, from: nightjar.store, to: folder, report: progress.report, only };
    const pulled = await copyBackup(source, manifest.id as BackupId, deps, signal);
    progress.end();
    out.say(`${source}  ${pulled.id}  ${broughtText(pulled)} ${join(pulled.place, source, pulled.id)}`);
    if (only !== undefined) out.note('these parts alone are no backup: their manifest was not brought');
    return { document: { result: pulled }, failures: [] };
  } finally {
    progress.end();
  }
}

function broughtText({ state, parts, bytes }: CopiedBackup): string {
  if (state === 'there') return 'is there already:';
  return `${plural(parts, 'part')}, ${formatBytes(bytes)}, brought to`;
}

/** The parts whose names match. Throws `input-invalid` if none does. */
function chosenBy(pattern: string, { parts }: Manifest): (part: ManifestPart) => boolean {
  const isChosen = ({ file }: ManifestPart): boolean => matchesGlob(file, pattern);
  if (parts.some(isChosen)) return isChosen;
  const names = parts.map(({ file }) => file);
  throw new BackupError('input-invalid', `no part of this backup has a name like ${pattern}`, {
    hint: `there are: ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}`,
  });
}

function requireOneWay({ to, parts, sql }: PullFlags): void {
  if ((to === undefined) !== (sql === undefined) && !(sql === true && parts !== undefined)) return;
  throw new BackupError('input-invalid', 'a backup is pulled into a folder, or as SQL', {
    hint: 'nightjar pull <source> --to <folder> [--parts <pattern>], or nightjar pull <source> --sql > file.sql',
  });
}

function requireNoneOfSql(name: string, { to, owner, tablespaces, events }: PullFlags): void {
  const given = { '--no-owner': !owner, '--no-tablespaces': !tablespaces, '--events': events === true };
  const [flag] = Object.entries(given).flatMap(([key, isGiven]) => (isGiven ? [key] : []));
  if (to === undefined || flag === undefined) return;
  throw new BackupError('input-invalid', `${flag} goes with --sql: into a folder a backup comes as it is stored`, {
    hint: `leave it out, or: nightjar pull ${name} --sql ${flag} > ${name}.sql`,
  });
}
