import { word } from '../../../domain/messages/text.ts';
import type { Manifest } from '../../../contract/manifest/manifest.ts';
import type { Target } from '../../../ports.ts';

/** How far a restore has come. `filled`: all of the backup is there, not proven yet. */
export type RestoreStanding = {
  phase: 'untouched' | 'dropping' | 'dropped' | 'filling' | 'filled' | 'finished' | 'discarded';
  /** Whether a database that held something was dropped for it. */
  replaced: boolean;
  was: Target['state'];
};

/** What is on the server after a failure, and which restore mends it. */
export function standingOf(
  { phase, replaced, was }: RestoreStanding,
  database: string,
  { source, id }: Pick<Manifest, 'source' | 'id'>,
): string {
  const again = `nightjar restore ${word(source)} ${id} --to ${word(database)}`;
  const mended = `when the cause is mended, run: ${again}`;
  const gone = `the old database ${database} is gone`;
  switch (phase) {
    case 'untouched':
      return was === 'absent' ? `there is no database ${database}` : `database ${database} is as it was`;
    case 'dropping':
      return `database ${database} was being dropped, and what is left of it is not whole; ${mended}${replaced ? ' --replace' : ''}`;
    case 'dropped':
      return `${replaced ? `${gone}, and there is none of that name now` : `there is no database ${database}`}; ${mended}`;
    case 'filling':
      return `${replaced ? `${gone}, and in its place` : `in database ${database}`} is a part of the backup, which the next restore knows and empties; ${mended}`;
    case 'filled':
      return replaced
        ? `${gone}; all of the backup is in its place, not proven: look at it, or run: ${again} --replace`
        : `database ${database} is there`;
    case 'finished':
      return `database ${database} is restored; its events are disabled`;
    case 'discarded':
      return replaced
        ? `${gone}, and what was made in its place was dropped; ${mended}`
        : `what was restored is dropped again, and there is no database ${database}`;
  }
}
