import { databaseOfGlobals } from '../../../domain/content-words.ts';
import { fewNames } from '../../../domain/lines.ts';
import { plural } from '../../../domain/units.ts';
import type { Catalog, LeftOut, LoadFailure, Target, TargetOptions } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import { globalsTarget } from '../../globals-target.ts';
import type { Login } from '../../login.ts';
import { claim } from '../database/claim.ts';
import type { Claim } from '../database/claim.ts';
import { withSession } from '../session.ts';
import { makeTablespaces, makeTogether } from './applying.ts';
import { chosen } from './choosing.ts';
import { globalsRun, lookAtServer, readGlobals, wholeText } from './reading.ts';
import { dropMarked, marking } from './scratch.ts';
import { catalogOf, globalsIn } from './statements.ts';

/**
 * A target for a backup of roles: makes missing roles, all in one transaction except tablespaces; leaves existing ones
 * as they are, and says so.
 */
export async function openGlobalsTarget(
  own: Login,
  tools: Tools,
  options: TargetOptions,
  signal: AbortSignal,
): Promise<Target> {
  const { catalog, tablespaces = true, keepGoing = false, drill = false } = options;
  const { recipe, isSuperuser, owned } = await lookAtServer(own, signal);
  const read = async (stop: AbortSignal) => globalsIn(await readGlobals(globalsRun(own, tools, recipe), own, stop));
  const before = catalogOf(await read(signal));
  const missing = missingRoles(catalog, before);
  const failures: LoadFailure[] = [];
  const leftOut: LeftOut[] = [];
  let claimed: Claim | undefined;
  const failed = keepGoing ? (failure: LoadFailure) => void failures.push(failure) : undefined;
  return globalsTarget(options, {
    what: 'roles',
    remedy:
      'a role that is to be as it was has to be dropped or renamed first, or altered by hand: nightjar pull brings ' +
      'the statements',
    notes: notesOn(catalog, before, missing),
    lasting: () => withoutPasswords(catalog, missing),
    failures,
    leftOut,
    async begin(stop) {
      claimed = await claim({ ...own, database: databaseOfGlobals }, stop);
    },
    async load(content, file, isThere, stop) {
      const globals = globalsIn(await wholeText(content, file));
      const here = await read(stop);
      const choice = chosen(globals, { here, isSuperuser, owned, tablespaces, drill });
      leftOut.push(...choice.leftOut);
      const besides = drill ? marking(choice.make) : [];
      await withSession(own, stop, async (session) => {
        await makeTogether(choice.make, session, { isSuperuser, failed, besides });
        isThere();
        await makeTablespaces(choice.tablespaces, session, { failed });
      });
    },
    dropMarked: async (stop) => void (await withSession(own, stop, dropMarked)),
    release: async () => claimed?.release(),
  });
}

function missingRoles({ role: roles = {} }: Catalog, here: Catalog): string[] {
  return Object.keys(roles).filter((name) => here['role']?.[name] === undefined);
}

function notesOn(catalog: Catalog, here: Catalog, missing: readonly string[]): string[] {
  const { role: roles = {}, 'role setting': settings = {} } = catalog;
  const others = Object.keys(roles).filter((name) => {
    const there = here['role']?.[name];
    return there !== undefined && there !== roles[name];
  });
  const forAll = Object.keys(settings).filter(
    (name) => name.startsWith('ALL ') && here['role setting']?.[name] === undefined,
  );
  const ofDatabases = Object.entries(catalog)
    .filter(([kind]) => kind.startsWith('database '))
    .flatMap(([kind, all]) => Object.keys(all).map((name) => ({ kind, name })))
    .filter(({ kind, name }) => here[kind]?.[name] === undefined)
    .map(({ kind, name }) => `${kind.slice('database '.length)} of ${name}`);
  return [
    missing.length === 0
      ? 'every role of the backup is there: no role will be made'
      : `${plural(missing.length, 'role')} will be made: ${fewNames(missing)}`,
    'roles that are there are left as they are, with their passwords, settings and memberships',
    ...(others.length === 0 ? [] : [`otherwise than in the backup: ${fewNames(others)}`]),
    ...(forAll.length === 0
      ? []
      : [`set for every role of this server: ${fewNames(forAll.map((name) => name.slice(4)))}`]),
    ...(ofDatabases.length === 0 ? [] : [`set on databases that every server has: ${fewNames(ofDatabases)}`]),
  ];
}

/** Login roles that were restored without their passwords. */
function withoutPasswords({ role: roles = {}, password: hashes }: Catalog, made: readonly string[]): string[] {
  if (hashes !== undefined) return [];
  const lacking = made.filter((name) => /\sLOGIN\b/.test(roles[name] ?? ''));
  return lacking.length === 0
    ? []
    : [`the backup holds no passwords: set those of ${fewNames(lacking, 50)} (ALTER ROLE … PASSWORD, or \\password)`];
}
