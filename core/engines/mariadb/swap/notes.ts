import { oldNotes } from '../../kept-notes.ts';
import type { FateOfOld } from '../../kept-notes.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';
import { dropKept, keptDatabases } from './kept.ts';

/** Notes about the replaced database, for people; drops what need not be kept. */
export function notesOfOld(session: MariadbSession, login: Login, fate: FateOfOld): Promise<string[]> {
  return oldNotes(
    { ...fate, keepMs: login.keepReplacedMs },
    {
      list: () => keptDatabases(session, login),
      drop: (which) => dropKept(session, login, which),
      byHand: (name) => `DROP DATABASE ${quoteName(name)}`,
    },
  );
}
