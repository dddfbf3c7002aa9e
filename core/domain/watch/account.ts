import type { Roster } from '../../contract/memory/roster.ts';
import type { Alert } from '../../contract/memory/outbox.ts';
import type { Sighting } from './alerts.ts';

/** What a check looks at in the account of AWS that it runs in. */
export type AccountKind = 'schedule-disabled' | 'schedule-missing' | 'uncovered' | 'account-unseen';
/** `what`: the one thing that it is about, and by which it is known again. `hint`: what to do. */
export type AccountFinding = {
  kind: AccountKind;
  what: string;
  subject: string;
  known: readonly (readonly [label: string, value: string])[];
  hint: string;
};
/** `judged`: what could be looked at. What could not is a finding: nobody watches it meanwhile. */
export type AccountLook = { judged: readonly AccountKind[]; found: readonly AccountFinding[] };

/** A database server of Amazon RDS, with all that stands for it: the members of a cluster, the replicas of an instance. */
export type RdsDatabase = {
  /** `cluster ledger`, `instance shop` */
  what: string;
  engine: string;
  /** Names by which it is reached. */
  addresses: readonly string[];
  tags: Readonly<Record<string, string>>;
  reach?: RdsReach | undefined;
};

/**
 * How its databases are reached: the address that takes writes, `resourceId` as IAM calls it, the database that it was made
 * with, where it was with one. `iam`: whether IAM database authentication is on.
 */
export type RdsReach = {
  host: string;
  port: number | undefined;
  resourceId: string;
  database: string | undefined;
  iam: boolean;
  vpc: string | undefined;
};

/** With this tag, and this value of it, a database needs no backup. */
export const ignoredTag = { key: 'nightjar', value: 'ignore' } as const;

/** Something of the account that could not be looked at. `rights`: what that takes. */
export function accountUnseen(what: string, why: string, rights: string): AccountFinding {
  return {
    kind: 'account-unseen',
    what,
    subject: `the ${what} of the account can't be looked at`,
    known: [['Error', why]],
    hint: `the role of the check needs ${rights}, and its network a way to that service`,
  };
}

/** Who looks for databases by tag does so four times an hour: after so long, nobody does. */
const longestUnlookedMs = 2 * 3_600_000;

/** The databases that are found by their tag, where nobody knows which they are now. */
export function rosterUnseen(
  { roster, error }: { roster?: Pick<Roster, 'at'> | undefined; error?: { message: string } | undefined },
  now: Date,
): AccountFinding | undefined {
  const isLate = roster === undefined || now.getTime() - Date.parse(roster.at) > longestUnlookedMs;
  if (error === undefined && !isLate) return undefined;
  const looked = roster === undefined ? 'nobody has looked for them yet' : `somebody looked last at ${roster.at}`;
  return {
    kind: 'account-unseen',
    what: 'databases by tag',
    subject: "which databases have the tag isn't known",
    known: [['Error', error?.message ?? looked]],
    hint: 'look at the log of the function by-tag, and at its schedule of that name',
  };
}

/** One line for whoever has asked for the look. */
export function accountNotice({ subject, known }: AccountFinding): string {
  const why = known.find(([label]) => label === 'Error')?.[1];
  return why === undefined ? subject : `${subject}: ${why}`;
}

/** Each is an alert of its own; what was told before and is not found any more is over. */
export function accountSightings(look: AccountLook | undefined, known: readonly Alert[]): Sighting[] {
  if (look === undefined) return [];
  return look.judged.flatMap((kind) => {
    const found = new Set(look.found.filter((one) => one.kind === kind).map(({ what }) => what));
    const before = known.flatMap((alert) => (alert.kind === kind && alert.cause !== undefined ? [alert.cause] : []));
    return [...new Set([...found, ...before])].map(
      (cause): Sighting => ({ cause, judged: [kind], found: found.has(cause) ? [kind] : [] }),
    );
  });
}

/**
 * The databases that have to be covered and that no source reaches by any of their names. `mustCover`: `all`, or
 * `tag:<key>` or `tag:<key>=<value>`.
 */
export function uncoveredDatabases(
  databases: readonly RdsDatabase[],
  mustCover: string,
  hosts: readonly string[],
): AccountFinding[] {
  const reached = new Set(hosts.flatMap((host) => host.split(',')).map((host) => plainHost(host)));
  return databases
    .filter(({ tags }) => tags[ignoredTag.key] !== ignoredTag.value && isMeant(tags, mustCover))
    .filter(({ addresses }) => !addresses.some((address) => reached.has(plainHost(address))))
    .map(({ what, engine, addresses }) => ({
      kind: 'uncovered',
      what,
      subject: `the ${what} of RDS (${engine}) is in no source: nobody backs it up here`,
      known: [['Database', `${what} at ${addresses[0] ?? 'no address yet'}`]],
      hint: `write a source for it and deploy, or tag it ${ignoredTag.key}=${ignoredTag.value}`,
    }));
}

function isMeant(tags: RdsDatabase['tags'], mustCover: string): boolean {
  if (mustCover === 'all') return true;
  const [key = '', ...value] = mustCover.replace(/^tag:/, '').split('=');
  if (!Object.hasOwn(tags, key)) return false;
  return value.length === 0 || tags[key] === value.join('=');
}

/** One name of a host, however it is spelt. */
export function plainHost(host: string): string {
  return host.trim().toLowerCase().replace(/\.$/, '');
}
