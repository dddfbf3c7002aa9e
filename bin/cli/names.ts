import { resolve } from 'node:path';
import { factsOf } from '../../core/contract/config/sources/source-facts.ts';
import type { Nightjar } from '../../core/compose.ts';
import { BackupError } from '../../core/domain/errors.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import type { SourceRules } from '../../core/domain/verdict/verdict.ts';
import { memoryOf } from '../../core/survey/watched.ts';
import type { CommandSession } from './session.ts';
import { suggestion } from '../../core/domain/nearest.ts';

/** The configured sources of these names, all when none is named. Throws `input-invalid` with every unknown one. */
export function configured(names: readonly string[], { sourceNames }: Nightjar): SourceName[] {
  const unknown = names.filter((name) => !sourceNames.includes(name as SourceName));
  if (unknown.length > 0) throw unknownSource(unknown, sourceNames);
  return names.length === 0 ? [...sourceNames] : [...new Set(names as SourceName[])];
}

/**
 * A source that has backups in the vault, or may have: one that left the configuration can still be read. Throws
 * `input-invalid`.
 */
export async function readable(
  name: string,
  { sourceNames, store }: Nightjar,
  signal: AbortSignal,
): Promise<SourceName> {
  const source = name as SourceName;
  if (!sourceNames.includes(source) && (await store.backupIds(source, signal)).length === 0)
    throw unknownSource([name], sourceNames);
  return source;
}

/** By what the backups of a source are judged, configured or not. */
export function memoryFor(source: SourceName, { sourceNames, settings }: Nightjar): SourceRules {
  return memoryOf(sourceNames.includes(source) ? settings(source) : undefined);
}

/**
 * What `--to` names: a database, or, where the source can be a file or folder, a path from the folder that the person is
 * in; without a slash it is a name beside the source's own.
 */
export function placeNamed(
  to: string,
  server: string,
  { nightjar, cwd }: Pick<CommandSession, 'nightjar' | 'cwd'>,
): string {
  return factsOf(nightjar.settings(server)).isPath?.(to) === true ? resolve(cwd, to) : to;
}

function unknownSource(names: readonly string[], known: readonly string[]): BackupError {
  const listed = names.map((name) => `there is no source ${name} in the configuration${suggestion(name, known)}`);
  return new BackupError('input-invalid', listed.join('; '), { hint: `configured: ${known.join(', ')}` });
}
