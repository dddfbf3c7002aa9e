import type { ServerDatabases } from '../../contract/memory/servers.ts';
import { BackupError } from '../../domain/errors.ts';
import { fewNames, inYaml, oneLine } from '../../domain/lines.ts';
import { databasesChanged } from '../../domain/messages/findings/databases.ts';
import { databasesAfter } from '../../domain/servers/databases.ts';
import type { ListedDatabase, LookRules } from '../../domain/servers/databases.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Clock, Notifier } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { outcomeOf } from '../../telling/outcome.ts';

type LookDeps = {
  store: Store;
  clock: Clock;
  notifiers: readonly Notifier[];
  databases(signal: AbortSignal): Promise<ListedDatabase[]>;
  /** The databases known from their backups, when the server's list is lost. */
  recalled?: ServerDatabases['databases'];
};

/** What was found. `failures`: somebody could not be told, or a database is covered by nothing. */
export type ServerLooked = { known: ServerDatabases; news: ServerDatabases['untold']; failures: unknown[] };

/**
 * Lists the databases of a whole server, writes down which sources they are, and reports what changed. What could not
 * be reported is reported the next time. Throws if the server or the vault can't be reached.
 */
export async function lookAtDatabases(rules: LookRules, deps: LookDeps, signal: AbortSignal): Promise<ServerLooked> {
  const { store, clock, recalled = [] } = deps;
  const now = clock.now();
  const at = now.toISOString();
  const lost: ServerDatabases = { version: 1, name: rules.server, at, databases: recalled, untold: [] };
  const found = await deps.databases(signal);
  let uncovered: ListedDatabase[] = [];
  const known = await store.editServer(
    rules.server,
    (before) => {
      const after = databasesAfter(before ?? (recalled.length > 0 ? lost : undefined), found, rules, now);
      uncovered = after.uncovered;
      return after.known;
    },
    signal,
  );
  const failures = await tell(rules.server, known, deps, signal);
  if (uncovered.length > 0) failures.push(notCovered(rules.server, uncovered));
  return { known, news: known.untold, failures };
}

async function tell(
  server: SourceName,
  known: ServerDatabases,
  { notifiers, clock, store }: LookDeps,
  signal: AbortSignal,
): Promise<unknown[]> {
  if (known.untold.length === 0) return [];
  const message = databasesChanged(known, clock.now());
  const outcomes = await Promise.all(notifiers.map((one) => outcomeOf(one.notify(message, signal))));
  const told = outcomes.length === 0 || outcomes.some(({ failed }) => !failed);
  const { length } = known.untold;
  // another run may have found something since
  const toldBy = (one: ServerDatabases | undefined) => ({
    ...(one ?? known),
    untold: (one?.untold ?? []).slice(length),
  });
  if (told) await store.editServer(server, toldBy, signal);
  return outcomes.flatMap(({ failed, error }) => (failed ? [error] : []));
}

function notCovered(server: string, databases: readonly ListedDatabase[]): BackupError {
  const lines = databases.map(({ name, why }) =>
    oneLine(`database ${name} on the server ${server} is not backed up: it ${why}`),
  );
  return new BackupError('source-unsupported', lines, {
    hint: `mend that, or leave them out by name: exclude: [${fewNames(databases.map(({ name }) => inYaml(name)))}]`,
  });
}
