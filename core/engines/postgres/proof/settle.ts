import { abortError } from '../../../domain/errors.ts';
import type { Unequal } from '../../../domain/compare.ts';
import type { Catalog, Compared, Settled } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import type { Login } from '../../login.ts';
import { isFirstFormat, readDefinition } from '../catalog/catalog.ts';
import { membersKind } from '../catalog/members.ts';
import { meansTheSame } from './meaning.ts';
import { memberExceptions } from './members.ts';
import { madeFrom } from './scratch.ts';

const byMeaning = 'by meaning';
const byArchive = 'by what the archive makes here';
const byName = 'by name alone: the servers’ versions differ';

/**
 * Decides about objects that are printed differently. PostgreSQL often prints its own text differently after reading it
 * back, so statements are compared as parsed; what that leaves open is compared with what this server makes of the
 * backup's definitions alone.
 */
export async function settle(login: Login, tools: Tools, compared: Compared, signal: AbortSignal): Promise<Settled> {
  const { expected, found, owners, sameVersion } = compared;
  const unequal = compared.unequal.filter(({ kind }) => kind !== membersKind);
  const [placed, defined] = split(unequal, ({ kind }) => Object.hasOwn(leftToTheServer, kind));
  const [changed, uneven] = split(defined, ({ how, kind }) => how === 'changed' && !kind.startsWith('database'));
  const [parts, other] = split(uneven, (one) => mayBeNobodys(one, expected));
  const open = await undecided(changed, expected, found, signal);
  const made = open.length + parts.length === 0 ? undefined : await madeFrom(login, tools, compared, signal);
  const [asMade, different] = split(
    open,
    (one) => made !== undefined && textOf(made.catalog, one) === textOf(found, one),
  );
  const [unmade, missing] = split(
    parts,
    ({ kind, name }) => made?.whole === true && made.catalog[kind]?.[name] === undefined,
  );
  const [lost, same] = split(
    asMade,
    (one) =>
      sameVersion &&
      !isFirstFormat(expected) &&
      readDefinition(textOf(expected, one)).facts !== readDefinition(textOf(found, one)).facts,
  );
  const byNameAlone = sameVersion || made !== undefined ? [] : different;
  return {
    ways: counted({
      [byMeaning]: changed.length - open.length,
      [byArchive]: same.length,
      [byName]: byNameAlone.length,
    }),
    exceptions: [
      ...placed.map((one) => leftToTheServer[one.kind]!(one, expected, found)),
      ...memberExceptions(expected, found, owners, sameVersion),
      ...notCompared(expected),
      ...unmade.map(
        ({ kind, name }) =>
          `${kind} ${name}: it is not in the backup's archive, for pg_dump leaves out what is on a table of an ` +
          'extension',
      ),
      ...lost.map(
        ({ kind, name }) =>
          `${kind} ${name}: it is what the backup's archive makes of it, which differs from what the source had`,
      ),
    ],
    different: [...other, ...missing, ...(byNameAlone.length > 0 ? [] : different)],
    ...(made === undefined &&
      different.length > 0 && {
        hint:
          'definitions that PostgreSQL prints differently after a restore are compared in a database of their ' +
          'own: GRANT the role CREATEDB, and restore again',
      }),
  };
}

/** What pg_dump leaves out if it is on an extension's table; older backups did not say so. */
function mayBeNobodys({ how, kind }: Unequal, expected: Catalog): boolean {
  const hasExtensions = Object.keys(expected['extension'] ?? {}).some((name) => name !== 'plpgsql');
  return how === 'missing' && hasExtensions && ['index', 'table constraint', 'trigger', 'rule'].includes(kind);
}

const mostNames = 5;

/**
 * A restore computes materialized views anew: their rows are no copy of the source's, which may have been older, or
 * different each time.
 */
function notCompared(expected: Catalog): string[] {
  const views = Object.keys(expected['materialized view'] ?? {});
  if (views.length === 0) return [];
  const more = views.length > mostNames ? `, and ${views.length - mostNames} more` : '';
  return [`rows of materialized views, which a restore computes anew: ${views.slice(0, mostNames).join(', ')}${more}`];
}

/** One after the other, because a tree takes a hundred times the memory of its statement. */
async function undecided(
  changed: Unequal[],
  expected: Catalog,
  found: Catalog,
  signal: AbortSignal,
): Promise<Unequal[]> {
  const open: Unequal[] = [];
  for (const one of changed) {
    if (signal.aborted) throw abortError(signal);
    if (!(await meansTheSame(textOf(expected, one), textOf(found, one)))) open.push(one);
  }
  return open;
}

/** Kinds that pg_dump leaves to the restoring server, or a restore may leave to it: what to say if one differs. */
const leftToTheServer: Record<string, (one: Unequal, expected: Catalog, found: Catalog) => string> = {
  'extension version': (one, expected, found) =>
    `extension ${one.name} is of version ${textOf(found, one) || 'unknown'} and was of ` +
    `${textOf(expected, one) || 'none'}`,
  'database option': (one, expected, found) =>
    `the database's ${one.name} is ${textOf(found, one) || 'not set'} and was ${textOf(expected, one) || 'not set'}`,
  tablespace: (one, expected, found) =>
    `${one.name} is in tablespace ${textOf(found, one) || 'of the database'} and was in ` +
    `${textOf(expected, one) || 'that of the database'}`,
};

function textOf(catalog: Catalog, { kind, name }: Unequal): string {
  return catalog[kind]?.[name] ?? '';
}

function split<T>(all: T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}

function counted(ways: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(ways).filter(([, count]) => count > 0));
}
