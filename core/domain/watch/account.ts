import type { Roster } from '../../contract/memory/roster.ts';
import type { Alert } from '../../contract/memory/outbox.ts';
import type { Sighting } from './alerts.ts';

/** What a check looks at in the AWS account that it runs in. */
export type AccountKind = 'schedule-disabled' | 'schedule-missing' | 'uncovered' | 'account-unseen';
/** `what`: identifies the finding: the one thing that it is about. `hint`: what to do. */
export type AccountFinding = {
  kind: AccountKind;
  what: string;
  subject: string;
  known: readonly (readonly [label: string, value: string])[];
  hint: string;
};
/** `judged`: what could be looked at. What could not is itself a finding, because nobody watches it meanwhile. */
export type AccountLook = { judged: readonly AccountKind[]; found: readonly AccountFinding[] };

/** A database server of Amazon RDS, and what belongs to it: the members of a cluster, the replicas of an instance. */
export type RdsDatabase = {
  /** `cluster ledger`, `instance shop` */
  what: string;
  engine: string;
  /** Host names that lead to it. */
  addresses: readonly string[];
  tags: Readonly<Record<string, string>>;
  reach?: RdsReach | undefined;
};

/**
 * How its databases are reached: the address that takes writes, `resourceId` for IAM, and the database that it was
 * created with, if any. `iam`: IAM database authentication is on.
 */
export type RdsReach = {
  host: string;
  port: number | undefined;
  resourceId: string;
  database: string | undefined;
  iam: boolean;
  vpc: string | undefined;
};

/** A database with this tag and value needs no backup. */
export const ignoredTag = { key: 'nightjar', value: 'ignore' } as const;

/** Something in the account that could not be looked at. `rights`: the permissions that it takes. */
export function accountUnseen(what: string, why: string, rights: string): AccountFinding {
  return {
    kind: 'account-unseen',
    what,
    subject: `the ${what} of the account can't be looked at`,
    known: [['Error', why]],
    hint: `the role of the check needs ${rights}, and its network a way to that service`,
  };
}

/** Databases are looked up by tag four times an hour: after this long, nobody does so any more. */
const longestUnlookedMs = 2 * 3_600_000;

/** A finding if the databases found by their tag are not known at present. */
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

/** One line for whoever asked for the look. */
export function accountNotice({ subject, known }: AccountFinding): string {
  const why = known.find(([label]) => label === 'Error')?.[1];
  return why === undefined ? subject : `${subject}: ${why}`;
}

/** Each finding is an alert of its own; one that was told before and is not found any more is over. */
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

/** A host's name in one form, however it is spelt. */
export function plainHost(host: string): string {
  return host.trim().toLowerCase().replace(/\.$/, '');
}
