import { check } from '../../../../core/commands/check/check.ts';
import type { Checked } from '../../../../core/commands/check/check.ts';
import { serversWithoutBackups, watchedSources } from '../../../../core/survey/watched.ts';
import { checkResult } from '../../../../core/domain/watch/check-result.ts';
import { BackupError, collected } from '../../../../core/domain/errors.ts';
import { plural } from '../../../../core/domain/units.ts';
import { checkTable, findingLines, noticeLines, unreadLines } from '../../text/check-table.ts';
import { configured, unlistedAmong } from '../../names.ts';
import type { CommandOutcome } from '../../text/output.ts';
import type { CommandSession } from '../../session.ts';
import { told } from '../../told.ts';

/**
 * `nightjar check`: judges the named sources, or all, and notifies of what has changed; with `tell: false` it only
 * shows.
 */
export async function checkCommand(
  names: string[],
  { tell }: { tell: boolean },
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { nightjar, out } = session;
  const unlisted = unlistedAmong(names, nightjar);
  const note = (text: string) => out.note(`note: ${text}`);
  const missed = await serversWithoutBackups(unlisted, { recall: nightjar.recall, note }, signal);
  const sources = watchedSources([...new Set([...configured(names, nightjar), ...missed])], nightjar);
  const deps = { ...nightjar, notifiers: tell ? nightjar.notifiers : [], meter: () => {}, remember: tell };
  let seen: Checked | undefined;
  const work = async (): Promise<Checked> => {
    const checked = await check(sources, { whole: names.length === 0 }, deps, signal);
    seen = checked;
    const lines = [findingLines, unreadLines, noticeLines].flatMap((of) => of(checked, out.naming));
    for (const line of [...checkTable(checked), ...lines]) out.say(line);
    if (checked.failures.length > 0) throw collected(checked.failures);
    return checked;
  };
  try {
    const checked = tell ? await told({ verb: 'check' }, work, checkResult, session, signal) : await work();
    return { document: checkResult(checked), failures: found(checked) };
  } catch (error) {
    if (seen === undefined) throw error;
    out.fail(error);
    return { document: { ...checkResult(seen), failures: seen.failures.map(String) }, failures: [error] };
  }
}

/** The findings as failures of the command. They are already shown, so they only decide the exit code. */
function found({ judgements, vault, further = [] }: Checked): BackupError[] {
  const bad = judgements.filter(({ state }) => state !== 'fresh' && state !== 'paused').length;
  const isRead = vault === undefined && further.every(({ unread }) => unread === undefined);
  return bad === 0 && isRead ? [] : [new BackupError('not-fresh', `${plural(bad, 'source')} not as it must be`)];
}
