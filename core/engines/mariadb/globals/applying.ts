import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { LeftOut, LoadFailure } from '../../../ports.ts';
import { errorNumber } from '../failures/number.ts';
import type { MariadbSession } from '../session.ts';
import { givesRoleOfAurora } from './amazon.ts';
import type { AccountFact } from './facts.ts';

/** Errors for a right on a table, column or routine that does not exist (MariaDB error codes). */
const notThere = [1146, 1054, 1305, 1049];
/** Errors for a role that does not exist: ER_UNKNOWN_AUTHID of MySQL, ER_INVALID_ROLE of MariaDB. */
const noSuchRole = [3523, 1959];
/**
 * A right on one table, without a list of columns: if it includes CREATE, the server does not require the table to
 * exist.
 */
const onTable = /^GRANT ([^()]+) ON (`(?:[^`]|``)*`\.`(?:[^`]|``)*`) TO (.+?)( WITH GRANT OPTION)?$/s;

/** Makes them one after the other: accounts are not transactional. */
export async function makeAccounts(
  facts: readonly AccountFact[],
  session: MariadbSession,
  leftOut: LeftOut[],
  failed: ((failure: LoadFailure) => void) | undefined,
): Promise<void> {
  for (const { kind, name, statements } of facts)
    try {
      for (const statement of statements) await makeRight(statement, session);
    } catch (error) {
      const why = 'what it is a right on is not there yet: restore that, then run this again';
      if (kind === 'grant' && notThere.includes(errorNumber(error))) leftOut.push({ kind, name, why });
      else if (givesRoleOfAurora({ kind, name }) && noSuchRole.includes(errorNumber(error)))
        leftOut.push({ kind, name, why: 'belongs to Amazon Aurora' });
      else if (failed !== undefined)
        failed({ object: `${kind} ${name}`, error: messageOf(error), statement: shown(kind, statements) });
      else
        throw new BackupError('restore-failed', `${kind} ${name} can't be made: ${messageOf(error)}`, {
          hint:
            'restore as a user that may do all (on a managed server: its master user), or go on without what fails: ' +
            '--keep-going; what was made stays, and a further run goes on',
          cause: error,
        });
    }
}

/** Rights on a table outlive it, and may precede it. */
async function makeRight(statement: string, session: MariadbSession): Promise<void> {
  try {
    await session.rows(statement);
  } catch (error) {
    const [, rights, on, whom, option = ''] = onTable.exec(statement) ?? [];
    if (errorNumber(error) !== 1146 || rights === undefined) throw error;
    await session.rows(`GRANT ${rights}, CREATE ON ${on} TO ${whom}${option}`);
    await session.rows(`REVOKE CREATE ON ${on} FROM ${whom}`);
  }
}

/** The statement that makes an account sets its password, so it is not shown. */
function shown(kind: AccountFact['kind'], statements: readonly string[]): string {
  return kind === 'account' ? 'CREATE USER …' : (statements[0] ?? '').slice(0, 200);
}
