import { isByTag } from '../../core/contract/cloud/by-tag.ts';
import type { SourceConfig } from '../../core/contract/config/config.ts';
import { globalsSourceName } from '../../core/contract/config/sources/whole-servers.ts';
import { factsOf } from '../../core/contract/config/sources/source-facts.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { rosterUnseen } from '../../core/domain/watch/account.ts';
import type { AccountLook } from '../../core/domain/watch/account.ts';
import { schedulesMeant } from '../../lib/plan/names.ts';
import type { Invocation } from '../host/host.ts';
import { askAws } from './aws.ts';
import { lookAtAccount } from './look.ts';
import type { AccountWatch } from './look.ts';

/** What surrounds the sources in the AWS account: those of a configuration, and those found by their tag. */
export async function lookAround(
  nightjar: Invocation,
  asked: Pick<AccountWatch, 'schedules' | 'mustCover'>,
  signal: AbortSignal,
): Promise<AccountLook> {
  const { sourceNames, settings, config, byTag } = nightjar;
  const hosts = [...sourceNames.map((name) => settings(name)), ...config.servers.values()].flatMap((source) => {
    // further hosts are only restored to, and are not backed up
    return [factsOf(source).server?.host ?? [], source.cloud.restoreHost?.[0] ?? []].flat();
  });
  const look = await lookAtAccount({ ...asked, meant: meantSchedules(nightjar), hosts }, askAws(process.env), signal);
  const unseen = config.cloud?.byTag === undefined ? undefined : rosterUnseen(byTag, new Date());
  return unseen === undefined ? look : { ...look, found: [...look.found, unseen] };
}

/** Sources found by their tag, and databases of a whole server, have no schedules of their own; the server has. */
function meantSchedules({ sourceNames, settings, config: { cloud, servers } }: Invocation): string[] {
  const others = { digest: cloud?.digest !== undefined, byTag: cloud?.byTag !== undefined };
  const inFile = sourceNames.filter((name) => !(others.byTag && isByTag(name)) && !isDatabase(name, settings(name)));
  return schedulesMeant([...inFile.map((name) => [name, settings(name)] as const), ...servers], others);
}

function isDatabase(name: SourceName, { server }: SourceConfig): boolean {
  return server !== undefined && name !== globalsSourceName(server);
}
