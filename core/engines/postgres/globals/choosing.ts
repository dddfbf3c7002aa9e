import type { LeftOut } from '../../../ports.ts';
import { grantedAtOnce } from './memberships.ts';
import { keyOf } from './statements.ts';
import type { Global } from './statements.ts';

/** What a restore makes of a backup, in this order, and what it leaves out: it touches nothing that exists. */
export type ChosenGlobals = { make: Global[]; tablespaces: Global[]; leftOut: LeftOut[] };

/** What exists on the server, and what may be done there. `owned`: databases that the user owns. */
export type GlobalsThere = {
  here: readonly Global[];
  isSuperuser: boolean;
  owned: readonly string[];
  tablespaces: boolean;
  drill: boolean;
};

/** Roles of Amazon RDS, which no other server has or needs (Amazon RDS user guide, PostgreSQL roles). */
const ofAmazon = /^(?:rdsadmin|rds_.*|rdsrepladmin|rdstopmgr|rdsproxyadmin|rdswriteforwarduser)$/;
/** The subjects of statements about no particular role; plain names, because PostgreSQL reserves both. */
const everybody = ['PUBLIC', 'ALL'];

/** Decides about each of the globals of a backup. */
export function chosen(globals: readonly Global[], standing: GlobalsThere): ChosenGlobals {
  const here = new Map(standing.here.map((one) => [keyOf(one), one]));
  const hasRole = (name: string): boolean => here.has(keyOf({ kind: 'role', name }));
  const result: ChosenGlobals = { make: [], tablespaces: [], leftOut: [] };
  for (const one of globals) {
    const there = here.get(keyOf(one));
    if (there?.definition === one.definition) continue;
    const why = there === undefined ? whyNot(one, hasRole, standing) : isOther;
    if (why !== undefined) result.leftOut.push({ kind: one.kind, name: one.name, why });
    else (one.kind === 'tablespace' ? result.tablespaces : result.make).push(fitting(one, standing));
  }
  return result;
}

const isOther = 'is another one on this server, and was left as it is';

/** Why a missing one is not made; undefined if it is made. */
function whyNot(one: Global, hasRole: (name: string) => boolean, there: GlobalsThere): string | undefined {
  const { kind, of } = one;
  const { tablespaces, drill } = there;
  if (kind === 'statement') return 'is of a kind that this Nightjar does not know: load it by hand';
  if (of.some((name) => ofAmazon.test(name) && !hasRole(name))) return 'belongs to Amazon RDS';
  if (drill && (kind === 'tablespace' || of.some((name) => everybody.includes(name)))) return 'is made by no drill';
  if (kind.startsWith('database ')) return whyNotOfDatabase(one, there);
  if (kind === 'tablespace') return tablespaces ? undefined : 'was left out by --no-tablespaces';
  const isOfOld = kind !== 'role' && of.length > 0 && of.every((name) => hasRole(name) || name.startsWith('pg_'));
  return isOfOld
    ? `${of.join(' and ')} ${of.length > 1 ? 'were' : 'was'} there already, and nothing of it is changed`
    : undefined;
}

/** For a database that every server has from the beginning: only what differs from its initial state is new. */
function whyNotOfDatabase({ kind, name, statements }: Global, there: GlobalsThere): string | undefined {
  if (there.drill) return 'is made by no drill';
  if (there.isSuperuser) return undefined;
  const isOwn = there.owned.some((database) => name === database || name.startsWith(`${database} `));
  const actsFor = statements.some((statement) => statement.startsWith('SET SESSION AUTHORIZATION'));
  return isOwn && !actsFor && kind !== 'database owner' ? undefined : 'takes a superuser: load it by hand as one';
}

/** Only a superuser may grant in the name of somebody else. */
function fitting(one: Global, { isSuperuser }: GlobalsThere): Global {
  if (one.kind !== 'membership' || isSuperuser) return one;
  return { ...one, statements: [grantedAtOnce(one.statements)] };
}
