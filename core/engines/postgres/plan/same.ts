import { BackupError } from '../../../domain/errors.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { changed } from './identity.ts';
import type { ObjectIdentities } from './identity.ts';

/** Throws `source-changed` unless everything still is what it was before. */
export function requireSame(before: ObjectIdentities, now: ObjectIdentities, login: Login): void {
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
