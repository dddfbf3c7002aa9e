import type { Catalog } from '../../../ports.ts';
import { rightsOf } from '../rights/grants.ts';
import type { Rights } from '../rights/grants.ts';
import type { LoadError } from '../restore/load-errors.ts';
import { accountOf, quoteName, unquoteName } from '../quoting.ts';
import { definerGrant, deniedDefiner } from '../failures/remedies.ts';
import type { Restorer } from '../failures/remedies.ts';
import type { MariadbSession } from '../session.ts';
import { isNamed } from '../exact-names.ts';

/** A refusal, and its remedy if its number and message don't tell. */
export type RefusedLoad = LoadError & { remedy?: string };
type NamedRight = { right: string; name: string };
type Trial = { trial: string; pattern: string; catalog: Catalog; restorer: Restorer };

/**
 * Whether a server refused a definition because of somebody else's rights in `database`: the definer of a view needs
 * rights on what it reads and calls.
 */
export function isOfDefiner({ number, error }: LoadError, database: string, restorer: Restorer): boolean {
  const isHere = error.includes(`'${database}.`) || error.includes(`${quoteName(database)}.`);
  return isHere && (number === 1356 || deniedDefiner(error, restorer) !== undefined);
}

/**
 * Views whose definers lack a right on the database that is restored, for what the views read and call in it. Call it
 * where a trial database holds the views, made by the restoring user: there the definers have none of the rights that
 * they were granted on the real one.
 */
export async function lackingDefiners(
  session: MariadbSession,
  { trial, pattern, catalog, restorer }: Trial,
): Promise<RefusedLoad[]> {
  const rights = new Map<string, Rights | undefined>();
  const found: RefusedLoad[] = [];
  for (const row of await session.rows(
    `SELECT TABLE_NAME AS name, VIEW_DEFINITION AS text, SECURITY_TYPE AS security FROM information_schema.VIEWS
      WHERE ${isNamed('TABLE_SCHEMA', trial)}`,
  )) {
    const account = accountOf(catalog['definer']?.[`view ${row['name']}`] ?? '');
    if (account === '' || account === restorer.user) continue;
    // a user whose rights may not be read counts as one without
    if (!rights.has(account)) rights.set(account, await rightsOf(session, account).catch(() => undefined));
    const known = rights.get(account);
    const lacked = askedBy(row['text'] ?? '', [trial, restorer.database], row['security'] === 'INVOKER').filter(
      ({ right, name }) => known?.has(right, restorer.database, name) !== true,
    );
    if (lacked.length > 0)
      found.push(refusal(row['name'] ?? '', account, lacked, known === undefined ? pattern : undefined, restorer));
  }
  return found;
}

/**
 * What a view's definition names in these databases: tables with their database; functions mostly without, and quoted,
 * unlike the server's own. Reading through an INVOKER view needs no right of its definer.
 */
function askedBy(text: string, databases: string[], isInvoker: boolean): NamedRight[] {
  const found = [...text.matchAll(/(?:(`(?:[^`]|``)*`)\.)?(`(?:[^`]|``)*`)(\()?/g)];
  const names = found.filter(([, first, , call]) =>
    first === undefined ? call !== undefined : databases.includes(unquoteName(first)),
  );
  const asked = names.map(([, , name, call]) => ({
    right: call === undefined ? 'SELECT' : 'EXECUTE',
    name: unquoteName(name!),
  }));
  return asked.filter(({ right }) => right === 'EXECUTE' || !isInvoker);
}

function refusal(
  view: string,
  account: string,
  lacked: NamedRight[],
  pattern: string | undefined,
  restorer: Restorer,
): RefusedLoad {
  const { database } = restorer;
  const what = [
    ...new Set(lacked.map(({ right, name }) => `${right} on ${quoteName(database)}.${quoteName(name)}`)),
  ].join(', ');
  const elsewhere = pattern === undefined ? '' : `${definerGrant(restorer, account, pattern)} `;
  return {
    number: 1356,
    object: `view ${quoteName(view)}`,
    statement: '',
    error:
      pattern === undefined
        ? `its definer ${account} lacks ${what}`
        : `whether its definer ${account} has ${what} may not be asked (SHOW GRANTS FOR), and it has not where ` +
          'the definitions were tried',
    remedy: `${elsewhere}${definerGrant(restorer, account, quoteName(database))} or restore without owners: --no-owner`,
  };
}
