import { copyDocument, copyInto } from '../../../../core/commands/copy-source.ts';
import type { CopyOutcome } from '../../../../core/commands/copy-source.ts';
import type { Nightjar } from '../../../../core/compose.ts';
import { abortError, BackupError, collected } from '../../../../core/domain/errors.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { formatBytes, plural } from '../../../../core/domain/units.ts';
import { memoryOf } from '../../../../core/survey/watched.ts';
import { failureDocument } from '../../text/failure.ts';
import { configured } from '../../names.ts';
import type { CommandOutcome } from '../../text/output.ts';
import { showProgress } from '../../text/progress.ts';
import type { CommandSession } from '../../session.ts';
import { told } from '../../told.ts';

/** `nightjar copy`: copies to the further vaults of each source what they lack, one source after the other. */
export async function copyCommand(
  names: string[],
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { results, failures } = await copySources(askedFor(names, session.nightjar), session, signal);
  return { document: { results }, failures };
}

/** The same for these sources, also after their backups. Failures are reported and don't stop the others. */
export async function copySources(
  sources: readonly SourceName[],
  session: CommandSession,
  signal: AbortSignal,
): Promise<{ results: object[]; failures: unknown[] }> {
  const results: object[] = [];
  const failures: unknown[] = [];
  for (const source of sources) {
    const copies: CopyOutcome[] = [];
    const work = async () => {
      await copyFrom(source, copies, session, signal);
      const wrong = copies.flatMap((one) => one.failures);
      if (signal.aborted) throw abortError(signal);
      if (wrong.length > 0) throw collected(wrong);
      return { source, copies };
    };
    try {
      await told({ verb: 'copy', source }, work, () => copyDocument(source, copies), session, signal);
      results.push({ status: 'copied', ...copyDocument(source, copies) });
    } catch (error) {
      failures.push(error);
      results.push({ status: 'failed', ...copyDocument(source, copies), error: failureDocument(error) });
      session.out.fail(error);
      if (signal.aborted) break;
    }
  }
  return { results, failures };
}

/** The named sources, or those that have copies. Throws `input-invalid`. */
function askedFor(names: readonly string[], nightjar: Nightjar): SourceName[] {
  const asked = withCopies(configured(names, nightjar), nightjar);
  if (asked.length > 0) return asked;
  const whose = names.length > 0 ? names.join(', ') : 'any source';
  throw new BackupError('input-invalid', `there are no copies of ${whose}`, {
    hint: 'write where to: copies, in defaults or in a source (docs/copies.md)',
  });
}

/** Those of some sources that are copied anywhere. */
export function withCopies(names: readonly SourceName[], { settings }: Nightjar): SourceName[] {
  return names.filter((name) => settings(name).copies.length > 0);
}

/** Copies to one further vault after the other; one that is down doesn't stop the next. */
async function copyFrom(
  source: SourceName,
  copies: CopyOutcome[],
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<void> {
  const settings = nightjar.settings(source);
  for (const copy of settings.copies) {
    if (signal.aborted) return;
    const progress = showProgress(source, `copying to ${copy.vault}`, out, Date.now);
    const deps = { ...nightjar, from: nightjar.store, report: progress.report, mend: true };
    const done = await copyInto(source, copy, memoryOf(settings), deps, signal).finally(progress.end);
    copies.push(done);
    if (done.place !== undefined) out.say(lineOf(source, done));
  }
}

function lineOf(source: SourceName, { vault, copied = [], failures }: CopyOutcome): string {
  const bytes = copied.reduce((sum, one) => sum + one.bytes, 0);
  const brought = copied.filter(({ state }) => state === 'copied').length;
  const mended = copied.filter(({ state }) => state === 'mended').length;
  const done = [
    ...(brought > 0 ? [`${plural(brought, 'backup')} copied`] : []),
    ...(mended > 0 ? [`${mended} mended`] : []),
  ];
  const what = done.length === 0 ? 'nothing to copy' : `${done.join(', ')}, ${formatBytes(bytes)}`;
  return `${source}  ${vault}  ${what}${failures.length === 0 ? '' : `; ${plural(failures.length, 'backup')} failed`}`;
}
