import { BackupError } from '../../../domain/errors.ts';
import { quoteAccount, quoteName, quoteText } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';
import type { AccountFact } from './facts.ts';

/** A database whose one table lists the accounts that a drill makes; it exists before any of them. */
const marker = 'nightjar_drill_accounts';

/** Marks what a drill is about to make. */
export async function markAccounts(made: readonly AccountFact[], session: MariadbSession): Promise<void> {
  await session.rows(`CREATE DATABASE ${marker}`);
  await session.rows(`CREATE TABLE ${marker}.made (name TEXT NOT NULL, role CHAR(1) NOT NULL) CHARACTER SET utf8mb4`);
  const named = made.filter(({ kind }) => kind === 'account' || kind === 'role');
  const rows = named.map(({ kind, name }) => `(${quoteText(name)}, '${kind === 'role' ? 'Y' : 'N'}')`);
  if (rows.length > 0) await session.rows(`INSERT INTO ${marker}.made VALUES ${rows.join(', ')}`);
}

/** Drops what a drill has made, and then the mark. */
export async function dropMarkedAccounts(session: MariadbSession): Promise<void> {
  const tables = await session.rows(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${marker}'`,
  );
  if (tables.some((row) => row['name'] !== 'made'))
    throw new BackupError('restore-failed', `the database ${marker} is not one that a drill has made`, {
      hint: 'rename it: drills use that name',
    });
  const made = tables.length === 0 ? [] : await session.rows(`SELECT name, role FROM ${marker}.made`);
  for (const { name, role } of made)
    await session.rows(
      role === 'Y' ? `DROP ROLE IF EXISTS ${quoteName(name ?? '')}` : `DROP USER IF EXISTS ${quoteAccount(name ?? '')}`,
    );
  await session.rows(`DROP DATABASE IF EXISTS ${marker}`);
}
