import { isBackupError, messageOf } from '../domain/errors.ts';
import { judge, unseen } from '../domain/freshness.ts';
import type { Judgement, Watched } from '../domain/freshness.ts';
import { emptyHistory } from '../domain/history.ts';
import type { SourceHistory } from '../domain/history.ts';
import { sourceSegment } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { ToolsNotice } from '../domain/tools-notices.ts';
import type { Vault } from '../ports.ts';
import { atOnce } from './at-once.ts';
import { listHistories, observe } from './observe.ts';

/** A source that has backups in the vault and is not in the configuration. `old`: nobody makes new ones. */
export type Unconfigured = { source: SourceName; newest: BackupId; count: number; old: boolean };

/** What a check has seen. `whole`: every source was looked at, and what else lies in the vault. `vault`: why none of that could be read. */
export type Look = { at: Date; place: string; whole: boolean; judgements: Judgement[]; unconfigured: Unconfigured[]; /** Of the database clients; undefined where nobody could tell. */ notices?: readonly ToolsNotice[] | undefined; vault?: { why: string; hint?: string | undefined } };

const sourcesAtOnce = 4;
/** A source that another configuration still backs up has left nothing. */
const oldMs = 25 * 3_600_000;

/** Judges every source by what stands in the vault. Everything is looked at, whatever is found; a vault that can't be read is a finding. */
export async function look(sources: readonly Watched[], whole: boolean, { vault, at }: { vault: Vault; at: Date }, signal: AbortSignal): Promise<Look> {
  const common = { at, place: vault.place, whole };
  const listed = await orUnknown(() => listHistories(whole ? [''] : sources.map(({ source }) => `${sourceSegment(source)}/`), vault, signal), signal);
  if ('why' in listed) return { ...common, judgements: sources.map((one) => unseen(one, listed, at)), unconfigured: [], ...(whole && { vault: listed }) };
  const found = await atOnce(sourcesAtOnce, sources, async (watched, stop) => {
    const history = listed.get(watched.source) ?? emptyHistory(watched.source);
    const seen = await orUnknown(() => observe(history, vault, stop), stop);
    return 'why' in seen ? { judgement: unseen(watched, seen, at), failed: seen } : { judgement: judge(watched, seen, at), read: seen.measures.length > 0 };
  }, signal);
  const failed = found.find((one) => one.failed !== undefined)?.failed;
  return {
    ...common,
    judgements: found.map(({ judgement }) => judgement),
    unconfigured: whole ? unconfiguredOf(listed, sources, at) : [],
    // one of many that can't be read is its own matter, all of them are the vault's
    ...(whole && failed !== undefined && !found.some(({ read }) => read === true) && { vault: failed }),
  };
}

type Unknown = { why: string; hint: string | undefined };

/** What the vault answers, or why it can't be known. Being stopped, or a defect, is no answer of a vault. */
async function orUnknown<T extends object>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | Unknown> {
  try {
    return await ask();
  } catch (error) {
    if (signal.aborted || !isBackupError(error)) throw error;
    return { why: `${messageOf(error)} (${error.code})`, hint: error.hint };
  }
}

function unconfiguredOf(histories: ReadonlyMap<SourceName, SourceHistory>, sources: readonly Watched[], at: Date): Unconfigured[] {
  return [...histories.values()].flatMap(({ source, backups }) => {
    const newest = backups.at(-1);
    if (newest === undefined || sources.some((one) => one.source === source)) return [];
    return [{ source, newest: newest.id, count: backups.length, old: at.getTime() - newest.start.getTime() > oldMs }];
  });
}
