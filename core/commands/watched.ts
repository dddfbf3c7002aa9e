import type { Settings } from '../contract/config-settings.ts';
import type { Watched } from '../domain/freshness.ts';
import type { SourceName } from '../domain/keys.ts';
import type { Vault } from '../ports.ts';

/** What a check needs to know of these sources; one that is not configured is left out. */
export function watchedSources(names: readonly SourceName[], { settings, vault }: { settings(name: string): Settings | undefined; vault: Vault }): Watched[] {
  return names.flatMap((source) => {
    const found = settings(source);
    return found === undefined ? [] : [{ source, place: vault.place, watch: found.watch, timeZone: found.timeZone }];
  });
}
