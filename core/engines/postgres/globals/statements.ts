import { createHash } from 'node:crypto';
import type { Catalog } from '../../../contract/manifest/catalog.ts';
import { ofKind } from '../../../contract/manifest/catalog.ts';
import { plainNames } from '../identifier.ts';

/**
 * Something of a whole server, as pg_dumpall prints it. `of`: the roles that it is about; for a membership two, the
 * granted role and its member. `definition`: without a password, of which it has a digest.
 */
export type Global = { kind: GlobalKind; name: string; of: string[]; definition: string; statements: string[] };

export type GlobalKind =
  | 'role'
  | 'password'
  | 'role setting'
  | 'role comment'
  | 'membership'
  | 'parameter grant'
  | 'tablespace'
  | 'database owner'
  | 'database grant'
  | 'database option'
  | 'database comment'
  | 'database setting'
  | 'statement';

const identifier = String.raw`("(?:[^"]|"")+"|[^\s";,()]+)`;
const literal = String.raw`('(?:[^']|'')*')`;
const form = (text: string) =>
  new RegExp(`^${text.replaceAll('ID', identifier).replaceAll(' ', String.raw`\s+`)}`, 's');

/**
 * What each statement is about. The identifiers that a form captures, or the first `named` of them, are its name, in
 * this order.
 */
const forms: readonly { kind: GlobalKind; form: RegExp; of: number[]; named?: number }[] = [
  { kind: 'role', form: form('CREATE ROLE ID$'), of: [0] },
  { kind: 'role', form: form('ALTER ROLE ID WITH '), of: [0] },
  { kind: 'role setting', form: form('ALTER ROLE ID IN DATABASE ID SET ID '), of: [0] },
  { kind: 'role setting', form: form('ALTER ROLE ID SET ID '), of: [0] },
  { kind: 'role comment', form: form('COMMENT ON ROLE ID IS '), of: [0] },
  { kind: 'role comment', form: form('SECURITY LABEL FOR .+ ON ROLE ID IS '), of: [0] },
  { kind: 'tablespace', form: form('(?:CREATE|ALTER|COMMENT ON) TABLESPACE ID '), of: [] },
  { kind: 'tablespace', form: form('(?:GRANT|REVOKE) .+? ON TABLESPACE ID '), of: [] },
  { kind: 'tablespace', form: form('SECURITY LABEL FOR .+ ON TABLESPACE ID '), of: [] },
  { kind: 'parameter grant', form: form('(?:GRANT|REVOKE) .+? ON PARAMETER ID (?:TO|FROM) ID'), of: [1] },
  { kind: 'membership', form: form('GRANT ID TO ID(?: |$)'), of: [0, 1] },
  { kind: 'database owner', form: form('ALTER DATABASE ID OWNER TO ID$'), of: [1], named: 1 },
  { kind: 'database grant', form: form('(?:GRANT|REVOKE) .+? ON DATABASE ID (?:TO|FROM) ID'), of: [1], named: 1 },
  { kind: 'database option', form: form('ALTER DATABASE ID WITH ID '), of: [] },
  { kind: 'database comment', form: form('COMMENT ON DATABASE ID IS '), of: [] },
  { kind: 'database comment', form: form('SECURITY LABEL FOR .+ ON DATABASE ID IS '), of: [] },
  { kind: 'database setting', form: form('ALTER DATABASE ID SET ID '), of: [] },
];

const roleNamed = form('(?:CREATE|ALTER) ROLE ID');
const password = new RegExp(`\\s+PASSWORD\\s+${literal}`);
/** Attributes that a new role lacks anyway, and that only a superuser may state. */
const superuserDenials = /\s+(?:NOSUPERUSER|NOREPLICATION|NOBYPASSRLS)\b/g;
const becomes = /^SET SESSION AUTHORIZATION /;
const isItself = /^RESET SESSION AUTHORIZATION$/;
const client = /^(?:SET (?!SESSION AUTHORIZATION)|SELECT pg_catalog\.set_config)/;

/** The globals in the output of pg_dumpall, in its order. */
export function globalsIn(text: string): Global[] {
  const found = new Map<string, Global>();
  let as: string | undefined;
  for (const statement of statementsIn(text)) {
    if (becomes.test(statement)) as = statement;
    else if (isItself.test(statement)) as = undefined;
    else if (!client.test(statement)) for (const one of globalsOf(statement, as)) add(one, found);
  }
  return [...found.values()];
}

/** All globals by kind and name, with their definitions. */
export function catalogOf(globals: readonly Global[]): Catalog {
  const catalog: Catalog = {};
  for (const { kind, name, definition } of globals) ofKind(catalog, kind)[name] = definition;
  return catalog;
}

/** Roles are quoted in a backup as pg_dumpall prints them, and named to people without needless quotes. */
export function keyOf({ kind, name }: Pick<Global, 'kind' | 'name'>): string {
  return JSON.stringify([kind, name]);
}

/** A statement without its password, so that it may be shown. */
export function withoutPassword(statement: string): string {
  return statement.replaceAll(new RegExp(password, 'g'), " PASSWORD '…'");
}

function globalsOf(statement: string, as: string | undefined): Global[] {
  for (const { kind, form: known, of, named } of forms) {
    const [, ...names] = known.exec(statement) ?? [];
    if (names.length === 0) continue;
    const plain = names.map((name) => plainNames(name)[0] ?? name);
    const name = kind === 'membership' ? `${plain[0]} to ${plain[1]}` : plain.slice(0, named).join(' ');
    const about = of.map((index) => plain[index]!);
    if (kind === 'role') return roleOf(statement, name);
    const statements = as === undefined ? [statement] : [as, statement, 'RESET SESSION AUTHORIZATION'];
    return [{ kind, name, of: about, definition: statements.slice(0, 2).join('; '), statements }];
  }
  const digest = digestOf(statement);
  return [{ kind: 'statement', name: digest.slice(0, 16), of: [], definition: digest, statements: [statement] }];
}

/** A role and, separately, its password, which is in no definition. A name may contain any of these words. */
function roleOf(statement: string, name: string): Global[] {
  const [head = '', printed = ''] = roleNamed.exec(statement) ?? [];
  const said = statement.slice(head.length);
  const [whole = '', hash = ''] = password.exec(said) ?? [];
  const open = said.replace(whole, '');
  const made = [`${head}${open.replace(superuserDenials, '')}`];
  const role: Global = { kind: 'role', name, of: [name], definition: `${head}${open}`, statements: made };
  if (hash === '') return [role];
  const set = `ALTER ROLE ${printed} PASSWORD ${hash}`;
  return [role, { kind: 'password', name, of: [name], definition: digestOf(`${name}\n${hash}`), statements: [set] }];
}

function add(one: Global, found: Map<string, Global>): void {
  const before = found.get(keyOf(one));
  if (before === undefined) found.set(keyOf(one), one);
  else {
    before.definition += `; ${one.definition}`;
    before.statements.push(...one.statements);
    before.of = [...new Set([...before.of, ...one.of])];
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** One piece of SQL: a constant, a quoted name, a comment, a psql command, or what stands between them. */
const piece = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(?<=^|\n)\\[^\n]*|;|[^'"\\;-]+|[-\\]/g;

/** The statements of a text with standard constants, without comments and psql commands. */
function* statementsIn(text: string): Generator<string> {
  let statement = '';
  for (const [token] of text.matchAll(piece)) {
    if (token === ';') {
      if (statement.trim() !== '') yield statement.trim();
      statement = '';
    } else if (token.startsWith('--') || (token.length > 1 && token.startsWith('\\'))) continue;
    else statement += token;
  }
  if (statement.trim() !== '') yield statement.trim();
}
