import { BackupError } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import { plural } from '../../../domain/units.ts';
import type { Catalog, LeftOut, LoadFailure, Target, TargetOptions } from '../../../ports.ts';
import { globalsTarget } from '../../globals-target.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { holdClaim } from '../restore/unfinished.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { makeAccounts } from './applying.ts';
import { chosenAccounts } from './choosing.ts';
import { accountsInText, catalogOfAccounts } from './facts.ts';
import type { AccountFact } from './facts.ts';
import { failureOf, partialRevokes } from './mysql-only.ts';
import { everybody, readAccounts } from './reading.ts';
import { dropMarkedAccounts, markAccounts } from './scratch.ts';

/** No database has such a name: none ends in a blank. */
const accounts = 'accounts ';
/** A server may need a moment to notice that a run was killed. */
const claimSeconds = 3;

/**
 * A target for a backup of accounts: makes missing ones, and changes no existing account. One run at a time works on a
 * server: a drill makes and drops accounts that another restore would take for the server's own.
 */
export async function openAccountsTarget(own: Login, options: TargetOptions, signal: AbortSignal): Promise<Target> {
  const { manifest, catalog, keepGoing = false, drill = false } = options;
  const { before, obstacle } = await withSession(
    own,
    signal,
    async (session) => ({
      before: await accountsHere(session, own, manifest.server.product),
      obstacle: await partialRevokes(session, catalog, own),
    }),
    null,
  );
  const failures: LoadFailure[] = [];
  const leftOut: LeftOut[] = [];
  const failed = keepGoing ? (failure: LoadFailure) => void failures.push(failure) : undefined;
  const missing = namesOf(catalog).filter((name) => !namesOf(before).includes(name));
  let holder: MariadbSession | undefined;

  async function makeMissing(session: MariadbSession, facts: AccountFact[], isThere: () => void): Promise<void> {
    const here = await readAccounts(session, own);
    const choice = chosenAccounts(facts, here);
    const there = namesOf(catalogOfAccounts(here));
    const isDrills = ({ of }: AccountFact) => !there.includes(of);
    const { true: make = [], false: old = [] } = Object.groupBy(choice.make, (one) => `${!drill || isDrills(one)}`);
    const ofOthers = old.map(({ kind, name, of }) => ({ kind, name, why: `${of} was there before the drill` }));
    leftOut.push(...choice.leftOut, ...ofOthers);
    if (drill) await markAccounts(make, session);
    isThere();
    await makeAccounts(make, session, leftOut, failed);
  }
  return globalsTarget(options, {
    what: 'accounts',
    remedy: 'an account that is to be as it was has to be dropped or renamed first',
    notes: notesOn(missing, catalog, before),
    lasting: () => withoutHashes(catalog, missing),
    failures,
    leftOut,
    findings: obstacle === undefined ? [] : [obstacle],
    async begin(stop) {
      if (obstacle !== undefined) throw failureOf(obstacle);
      holder = await holdClaim(own, accounts, claimSeconds, stop);
      if (holder === undefined) throw atWork(own);
    },
    async load(content, file, isThere, stop) {
      const facts = accountsInText(Buffer.concat(await Array.fromAsync(content)), file);
      await withSession(own, stop, (session) => makeMissing(session, facts, isThere), null);
    },
    dropMarked: (stop) => withSession(own, stop, dropMarkedAccounts, null),
    release: async () => holder?.close(),
  });
}

async function accountsHere(session: MariadbSession, login: Login, product: string): Promise<Catalog> {
  if (session.server.product === product) return catalogOfAccounts(await readAccounts(session, login));
  throw new BackupError(
    'source-unsupported',
    `${placeOf('mariadb', login)} is ${session.server.product}, which does not understand the accounts of ${product}`,
    { hint: `restore them on a server of ${product}` },
  );
}

function atWork(login: Login): BackupError {
  return new BackupError('lease-held', `another restore of accounts is at work on ${placeOf('mariadb', login)}`, {
    hint: 'run it again when that has ended',
  });
}

function namesOf({ account = {}, role = {} }: Catalog): string[] {
  return [...Object.keys(role), ...Object.keys(account)];
}

function notesOn(missing: readonly string[], catalog: Catalog, here: Catalog): string[] {
  const others = Object.keys(catalog['account'] ?? {}).filter(
    (name) =>
      here['account']?.[name] !== undefined &&
      ['account', 'password'].some((kind) => here[kind]?.[name] !== catalog[kind]?.[name]),
  );
  const given = Object.keys(catalog['grant'] ?? {}).filter(
    (name) => name.startsWith(`${everybody} on `) && here['grant']?.[name] === undefined,
  );
  return [
    missing.length === 0
      ? 'every account of the backup is there: none will be made'
      : `${plural(missing.length, 'account')} will be made: ${fewNames(missing)}`,
    'accounts that are there and differ are left as they are; those that are the same get the rights that they lack',
    ...(others.length === 0 ? [] : [`otherwise than in the backup: ${fewNames(others)}`]),
    ...(given.length === 0 ? [] : [`everybody on this server will have rights: ${fewNames(given)}`]),
  ];
}

function withoutHashes({ account = {}, password = {} }: Catalog, made: readonly string[]): string[] {
  const lacking = made.filter((name) => account[name] !== undefined && password[name] === undefined);
  return lacking.length === 0
    ? []
    : [
        `without a password in the backup: ${fewNames(lacking, 50)}; who needs one gets it by ALTER USER … IDENTIFIED BY`,
      ];
}
