import { BackupError } from '../../domain/errors.ts';
import { oneLine } from '../../domain/lines.ts';
import type { Target } from '../../ports.ts';

const longestShown = 200;

/**
 * Runs every assertion on what was restored. Throws `proof-failed` with those that are not true. Throws
 * `config-invalid` if the only fault is that the server could not answer, which says nothing against the backup.
 */
export async function requireTrue(
  statements: readonly string[],
  target: Target,
  place: string,
  signal: AbortSignal,
): Promise<void> {
  const untrue: string[] = [];
  const unanswered: string[] = [];
  for (const statement of statements) {
    if (target.assert === undefined) throw noAssertions(place);
    const end = await target.assert(statement, signal);
    if (end === 'not-true') untrue.push(`the assertion is not true: ${shown(statement)}`);
    else if (end !== 'true') unanswered.push(`the assertion could not be answered (${end.error}): ${shown(statement)}`);
  }
  if (untrue.length + unanswered.length === 0) return;
  throw new BackupError(
    untrue.length > 0 ? 'proof-failed' : 'config-invalid',
    `${place} is equal to its backup, but ${[...untrue, ...unanswered].join('; ')}`,
    { hint: untrue.length > 0 ? lookInto : 'correct it in nightjar.yaml: drill.assert of the source' },
  );
}

const lookInto =
  'was the source itself so when it was backed up? Restore this backup and look; or correct drill.assert';

function shown(statement: string): string {
  const line = oneLine(statement.replace(/\s+/g, ' '));
  return line.length > longestShown ? `${line.slice(0, longestShown - 1)}…` : line;
}

function noAssertions(place: string): BackupError {
  return new BackupError('source-unsupported', `${place} can't be asked assertions`, {
    hint: 'take drill.assert out of the source',
  });
}
