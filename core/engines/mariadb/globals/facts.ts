import { createHash } from 'node:crypto';
import { BackupError } from '../../../domain/errors.ts';
import { ofKind } from '../../../contract/manifest/catalog.ts';
import type { Catalog } from '../../../contract/manifest/catalog.ts';

/**
 * What belongs to a MariaDB or MySQL server and to no database: an account or role, its password (set by the account's
 * statement), a right, a membership, a default role. `of`: the account. `definition` contains no password.
 */
export type AccountFact = {
  kind: 'account' | 'role' | 'password' | 'grant' | 'membership' | 'default role';
  name: string;
  of: string;
  definition: string;
  statements: string[];
};

const end = '-- Nightjar: these are all accounts';

/** The facts as SQL for the stock client: a comment before each says what it is and how long it is. */
export function textOfAccounts(facts: readonly AccountFact[]): string {
  const pieces = facts.map(({ statements, ...fact }) => {
    const sql = statements.map((statement) => `${statement};\n`).join('');
    const lengths = statements.map((statement) => Buffer.byteLength(statement));
    return `-- ${JSON.stringify({ ...fact, lengths })}\n${sql}`;
  });
  return `${pieces.join('')}${end}\n`;
}

/** Parses such a text. Throws `part-corrupt`. */
export function accountsInText(text: Buffer, what: string): AccountFact[] {
  const facts: AccountFact[] = [];
  for (let at = 0; ; ) {
    const line = text.subarray(at, text.indexOf('\n', at) + 1);
    at += line.length;
    if (line.toString() === `${end}\n` && at === text.length) return facts;
    const { lengths, ...fact } = headIn(line.toString(), what);
    const statements = lengths.map((length) => {
      const statement = text.subarray(at, at + length).toString();
      at += length + 2;
      return statement;
    });
    facts.push({ ...fact, statements });
  }
}

function headIn(line: string, what: string): Omit<AccountFact, 'statements'> & { lengths: number[] } {
  try {
    if (line.startsWith('-- {')) return JSON.parse(line.slice(3)) as ReturnType<typeof headIn>;
  } catch {
    // reported below
  }
  throw new BackupError('part-corrupt', `${what} was cut, or is no text of accounts`);
}

/** All facts by kind and name, with their definitions. */
export function catalogOfAccounts(facts: readonly AccountFact[]): Catalog {
  const catalog: Catalog = {};
  for (const { kind, name, definition } of facts) ofKind(catalog, kind)[name] = definition;
  return catalog;
}

export function factKey({ kind, name }: Pick<AccountFact, 'kind' | 'name'>): string {
  return JSON.stringify([kind, name]);
}

export function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
