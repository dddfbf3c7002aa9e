import { rankMissing, rankNotNamed } from '../../../../core/commands/restore/rank.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { ranks } from '../../../../core/domain/rank.ts';
import type { Rank } from '../../../../core/domain/rank.ts';
import { confirmByName } from '../../text/confirm.ts';
import type { CommandSession } from '../../session.ts';

/** A restore that may write to a server with a rank. */
export type RankedRun = {
  name: string;
  flags: { server?: string; into?: string; replace?: true; undo?: true; dropOld?: true };
  session: CommandSession;
  isInPlace: boolean;
};

/** The rank that a restore will ask for; undefined if none is needed, or `--into` names it. Throws `input-invalid`. */
export function rankToAsk({ name, flags, session: { nightjar }, isInPlace }: RankedRun): Rank | undefined {
  const server = flags.server ?? name;
  const into = ranks.find((rank) => rank === flags.into);
  if (flags.into !== undefined && into === undefined)
    throw new BackupError('input-invalid', `--into ${flags.into} is no rank`, { hint: `one of ${ranks.join(', ')}` });
  const replace = [flags.replace, flags.undo, flags.dropOld].includes(true);
  return rankNotNamed({ of: name, server, replace, isInPlace, into }, nightjar);
}

/** The line about it in a plan. */
export function rankLine(rank: Rank, server: string): string {
  return `rank    the server of ${server} is ${rank}: this asks for that word, or takes --into ${rank}`;
}

/** Asks for the rank if it is needed and `--into` has not named it. Throws `input-invalid`. */
export async function requireRankNamed(run: RankedRun, signal: AbortSignal): Promise<void> {
  const { name, flags, session } = run;
  const { out } = session;
  const server = flags.server ?? name;
  const rank = rankToAsk(run);
  if (rank === undefined) return;
  if (!process.stdin.isTTY || !out.watched) throw rankMissing(server, rank);
  await confirmByName(rank, `this restore of ${name} writes to the server of ${server}, which is ${rank}`, out, signal);
}
