import type { Settings } from '../contract/config/settings/settings.ts';
import { watchOf } from '../contract/config/settings/watch.ts';
import { isBackupError } from '../domain/errors.ts';
import type { SourceRules } from '../domain/verdict/verdict.ts';
import type { WatchedSource } from '../domain/watch/freshness.ts';
import type { SourceName } from '../domain/keys.ts';
import type { Store } from '../store/store.ts';

/** How the backups of a source are judged; with the fewest rules for a source that is not configured. */
export function memoryOf(settings: JudgedBy | undefined): SourceRules {
  if (settings === undefined) return { shrink: watchOf({}, {}).shrink, timeZone: 'UTC', retention: undefined };
  const { watch, timeZone, retention, encryption } = settings;
  return { shrink: watch.shrink, timeZone, retention, encrypted: isEncrypted(encryption) };
}

type JudgedBy = Pick<Settings, 'timeZone' | 'retention'> &
  Partial<Pick<Settings, 'encryption'>> & { watch: Pick<Settings['watch'], 'shrink'> };

/** Whether backups of a source are encrypted from now on. */
function isEncrypted(encryption: Settings['encryption'] | undefined): boolean {
  return encryption !== undefined && encryption.recipients.length > 0;
}

/** How a check judges the backups of a source. */
export function memoryOfWatched({ watch: { shrink }, timeZone, retention, encrypted }: WatchedSource): SourceRules {
  return { shrink, timeZone, retention, encrypted };
}

/** Where it is, or was: its host, and the whole server that it is of; `gone`: since when it is not there any more. */
type WhereItWas = { on?: string; server?: SourceName; called?: string; gone?: string };

function goneFrom({ server, called, gone }: WhereItWas): WatchedSource['gone'] {
  if (server === undefined || called === undefined || gone === undefined) return undefined;
  return { server, database: called, since: new Date(gone) };
}

/** What a check needs to know about these sources; leaves out those that are not configured. */
export function watchedSources(
  names: readonly SourceName[],
  { settings, store }: { settings(name: string): (Settings & WhereItWas) | undefined; store: Pick<Store, 'place'> },
): WatchedSource[] {
  return names.flatMap((source) => {
    const found = settings(source);
    return found === undefined
      ? []
      : [
          {
            source,
            place: store.place,
            watch: found.watch,
            timeZone: found.timeZone,
            retention: found.retention,
            encrypted: isEncrypted(found.encryption),
            on: found.on,
            gone: goneFrom(found),
            copies: found.copies,
          },
        ];
  });
}

/**
 * Of servers whose databases stand in no list (nobody has listed them yet, or the list is lost): makes sources of those
 * that the vault has backups of, and returns the servers of which it has none. A vault that can't be read has none.
 */
export async function serversWithoutBackups(
  servers: readonly SourceName[],
  { recall, note }: { recall(server: SourceName, signal: AbortSignal): Promise<number>; note(text: string): void },
  signal: AbortSignal,
): Promise<SourceName[]> {
  const without: SourceName[] = [];
  for (const server of servers) {
    const count = await recall(server, signal).catch((error: unknown) => {
      if (!isBackupError(error)) throw error;
      return 0;
    });
    if (count === 0) without.push(server);
    else note(listLost(server));
  }
  return without;
}

/** What is told where the list of a server's databases is not in the vault. */
export function listLost(server: string): string {
  return `the vault has no list of what is on ${server}: its backups tell`;
}
