import { BackupError } from '../../../domain/errors.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { withSession } from '../session.ts';
import { changed, readIdentities } from './identity.ts';
import type { ObjectIdentities, Scope } from './identity.ts';

/** Throws `source-changed` unless everything of this scope is still what it was before. */
export async function requireSame(
  scope: Scope,
  before: ObjectIdentities,
  login: Login,
  signal: AbortSignal,
): Promise<void> {
  const now = await withSession(login, signal, (fresh) => readIdentities(fresh, scope));
  const found = [...new Set(changed(before, now))];
  if (found.length === 0) return;
  const named = found.slice(0, 5).join(', ') + (found.length > 5 ? `, and ${found.length - 5} more` : '');
  throw new BackupError(
    'source-changed',
    `${placeOf('postgres', login)}: redefined, renamed or dropped during the backup: ${named}`,
    {
      hint: 'run the backup again when no migration is running',
    },
  );
}
