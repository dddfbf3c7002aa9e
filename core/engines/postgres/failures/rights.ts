import { quoteIdentifier } from '../identifier.ts';

type KnownDenial = { pattern: RegExp; remedy(role: string, named: string, into: string): string };

const withoutOwners = 'or leave out who owns what: --no-owner';

/** PostgreSQL's messages when a role may not do something, and the SQL for an administrator. */
const known: KnownDenial[] = [
  {
    pattern: /permission denied to create database/,
    remedy: (role) =>
      `ALTER ROLE ${role} CREATEDB; or make an empty database that belongs to ${role}, and name it with --to`,
  },
  {
    pattern: /must be (?:able to SET ROLE|(?:a )?member of role) "([^"]*)"/,
    remedy: (role, named) => `GRANT ${quoteIdentifier(named)} TO ${role}; ${withoutOwners}`,
  },
  {
    pattern: /row-level security/,
    remedy: (role) => `row security hides rows from this role: ALTER ROLE ${role} BYPASSRLS;`,
  },
  {
    pattern: /permission denied for large object/,
    remedy: (role) =>
      `large objects are read by their owner and by superusers: GRANT their owner TO ${role}; or: ALTER SYSTEM ` +
      'SET lo_compat_privileges = on; SELECT pg_reload_conf();',
  },
  {
    pattern: /permission denied to set role "([^"]*)"/,
    remedy: (role, named) =>
      `this role becomes another when it logs in (ALTER ROLE … SET role): GRANT ${quoteIdentifier(named)} TO ` +
      `${role}; or: ALTER ROLE ${role} RESET role;`,
  },
];

/** The same for what a restore makes. */
const knownInRestore: KnownDenial[] = [
  {
    pattern: /permission denied to set parameter "([^"]*)"/,
    remedy: (role, named) =>
      `GRANT SET ON PARAMETER ${quoteIdentifier(named)} TO ${role}; (before PostgreSQL 15 only a superuser may set ` +
      'it); or restore without that setting: --keep-going',
  },
  {
    pattern: /permission denied to create subscription/,
    remedy: (role) => `GRANT pg_create_subscription TO ${role}; or restore without subscriptions: --keep-going`,
  },
  {
    pattern: /permission denied to set session authorization/,
    remedy: (role) =>
      'a right was granted by somebody who does not own the object, which only a superuser can repeat: restore as ' +
      `one instead of ${role}, ${withoutOwners}`,
  },
  {
    pattern:
      /permission denied (?:to create (?:extension|event trigger|foreign-data wrapper|access method)|for language) |must be superuser to create/i,
    remedy: (role) =>
      'only a superuser may make it here: restore as one (on a managed server its master user) instead of ' +
      `${role}, or without it: --keep-going`,
  },
  {
    pattern: /permission denied for schema (\S+)/,
    remedy: (role, _, into) =>
      `the database that is restored into must belong to ${role}: ALTER DATABASE ${into} OWNER TO ${role};`,
  },
];

/**
 * What to run if the server told `user` that it may not; `into`: the database that is restored into. Undefined: nothing
 * better is known than the right to read everything.
 */
export function rightsRemedy(said: string, user: string, into?: string): string | undefined {
  for (const { pattern, remedy } of into === undefined ? known : [...known, ...knownInRestore]) {
    const [found, named = ''] = pattern.exec(said) ?? [];
    if (found !== undefined) return remedy(quoteIdentifier(user), named, quoteIdentifier(into ?? ''));
  }
  return undefined;
}

const namedRole = String.raw`("(?:[^"]|"")+"|[^\s";]+)`;
const ofOwner = new RegExp(` OWNER TO ${namedRole};?$`);
const forRole = new RegExp(`^ALTER DEFAULT PRIVILEGES FOR ROLE ${namedRole} `, 'i');
const settingOf = new RegExp(`^ALTER ROLE ${namedRole} IN DATABASE `, 'i');

/** What to run if the statement, rather than the server's message, names whose right is missing. */
export function rightsOfOthers(said: string, statement: string, user: string): string | undefined {
  const role = quoteIdentifier(user);
  const [, owner] = ofOwner.exec(statement.trim()) ?? [];
  const [, schema] = /permission denied for schema (\S+)/.exec(said) ?? [];
  if (owner !== undefined && schema !== undefined)
    return (
      `its owner ${owner} may make nothing in that schema, so that a superuser alone can give it to ${owner}: ` +
      `restore as one, ${withoutOwners}`
    );
  const [, giver] = forRole.exec(statement) ?? [];
  if (giver !== undefined && /permission denied to change default privileges/.test(said))
    return `GRANT ${giver} TO ${role}; ${withoutOwners}`;
  const [, whose] = settingOf.exec(statement) ?? [];
  if (whose !== undefined && /permission denied/.test(said))
    return `ALTER ROLE ${role} CREATEROLE; GRANT ${whose} TO ${role} WITH ADMIN OPTION; ${withoutOwners}`;
  return undefined;
}

/** The right to read everything; PostgreSQL 13 has no such role. */
export function readEverything(user: string): string {
  const role = quoteIdentifier(user);
  return `GRANT pg_read_all_data TO ${role}; (PostgreSQL 13 has no such role: grant USAGE on each schema, and SELECT on its tables and sequences)`;
}

/** What keeps a role out although its password is right. */
const closed: KnownDenial[] = [
  { pattern: /role "([^"]*)" is not permitted to log in/, remedy: (role) => `ALTER ROLE ${role} LOGIN;` },
  {
    pattern: /permission denied for database "([^"]*)"/,
    remedy: (role, named) => `GRANT CONNECT ON DATABASE ${quoteIdentifier(named)} TO ${role};`,
  },
  {
    pattern: /database "([^"]*)" is not currently accepting connections/,
    remedy: (_, named) => `ALTER DATABASE ${quoteIdentifier(named)} ALLOW_CONNECTIONS true;`,
  },
  {
    pattern: /too many connections for role "/,
    remedy: (role) => `this role may have no more sessions at once: ALTER ROLE ${role} CONNECTION LIMIT -1;`,
  },
  {
    pattern: /too many connections for database "([^"]*)"/,
    remedy: (_, named) =>
      `this database takes no more sessions at once: ALTER DATABASE ${quoteIdentifier(named)} CONNECTION LIMIT ` +
      '-1; or try at a quieter time',
  },
];

/** What to do if a login is refused; `usual`: if the message says no more. */
export function loginRemedy(said: string, user: string, usual: string): string {
  for (const { pattern, remedy } of closed) {
    const [found, named = ''] = pattern.exec(said) ?? [];
    if (found !== undefined) return remedy(quoteIdentifier(user), named, '');
  }
  const [, host, , database, encryption] =
    /no pg_hba\.conf entry for host "([^"]*)", user "([^"]*)", database "([^"]*)"(?:, (no encryption|SSL encryption|SSL off|SSL on))?/.exec(
      said,
    ) ?? [];
  if (host === undefined) return usual;
  const plain = encryption === 'no encryption' || encryption === 'SSL off';
  const line =
    `host ${database} ${user} ${host}/${host.includes(':') ? 128 : 32} scram-sha-256 (then SELECT ` +
    'pg_reload_conf();)';
  if (!plain) return `no line of pg_hba.conf lets this login in: add one, as ${line}`;
  return `without TLS, no line of pg_hba.conf lets this login in: write tls: verify (or tls: { ca: ./authority.pem }), or add a line: ${line}`;
}
