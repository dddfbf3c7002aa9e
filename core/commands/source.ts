import type { Retention } from '../contract/config/settings.ts';
import type { SourceName } from '../domain/keys.ts';
import type { Schedule } from '../domain/time/schedule.ts';
import type { Engine } from '../ports.ts';

/** A configured source, ready to work on. */
export type Source = {
  name: SourceName;
  engine: Engine;
  /** IANA time zone of its calendar. */
  timeZone: string;
  /** When its backups are meant to begin; absent where nobody said. */
  schedule?: Schedule | undefined;
  /** What rotation will keep: a new backup is tagged accordingly. */
  retention: Retention;
  /** zstd level. */
  compressionLevel: number;
  /** Streams at the same time. */
  parallel: number;
};
