import { word } from '../../../domain/messages/text.ts';
import type { Manifest } from '../../../contract/manifest/manifest.ts';
import type { Target } from '../../../ports.ts';

/**
 * How far a restore has come. `filled`: the whole backup is loaded, but not proven. `kept`: it stays where it is, for a
 * person. `exchanging`: nobody knows how far the exchange of the tables came.
 */
export type RestoreStanding = {
  phase:
    | 'untouched'
    | 'forestalled'
    | 'dropping'
    | 'filling'
    | 'filled'
    | 'kept'
    | 'exchanging'
    | 'finished'
    | 'discarded';
  was: Target['state'];
  /** The database that is made beside the one to replace. */
  beside: string | undefined;
};

/** What is on the server after a failure, and which restore repairs it. */
export function standingOf(now: RestoreStanding, database: string, manifest: Pick<Manifest, 'source' | 'id'>): string {
  return now.beside === undefined ? inPlace(now, database, manifest) : beside(now, now.beside, database);
}

function beside({ phase }: RestoreStanding, made: string, database: string): string {
  const old = `database ${database} is as it was`;
  switch (phase) {
    case 'forestalled':
      return `database ${database} is as somebody else has made it`;
    case 'filling':
      return `database ${made}, half restored, is still there: the next restore into ${database} drops it; ${old}`;
    case 'filled':
    case 'kept':
      return `what was restored is kept in database ${made} until the next restore into ${database}; ${old}`;
    case 'exchanging':
      return (
        `the tables of database ${database} were being exchanged: the next restore with --replace, or --undo, ends ` +
        'that or takes it back'
      );
    case 'finished':
      return `database ${database} is the restored one`;
    case 'discarded':
      return `what was restored is dropped again, and ${old}`;
    default:
      return old;
  }
}

function inPlace(
  { phase, was }: RestoreStanding,
  database: string,
  { source, id }: Pick<Manifest, 'source' | 'id'>,
): string {
  const again = `when the cause is mended, run: nightjar restore ${word(source)} ${id} --to ${word(database)}`;
  const none = `there is no database ${database}`;
  switch (phase) {
    case 'untouched':
      return was === 'absent' ? none : `database ${database} is as it was`;
    case 'forestalled':
      return `database ${database} is as somebody else has made it`;
    case 'dropping':
      return `database ${database}, which an interrupted restore had left, was being dropped; ${again}`;
    case 'filling':
      return `in database ${database} is a part of the backup, which the next restore knows and empties; ${again}`;
    case 'discarded':
      return `what was restored is dropped again, and ${none}`;
    case 'finished':
      return `database ${database} is restored; its events are disabled`;
    default:
      return `database ${database} is there`;
  }
}
