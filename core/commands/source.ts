import type { SourceName } from '../domain/keys.ts';
import type { Engine } from '../ports.ts';

/** A configured source, ready to work on. */
export type Source = {
  name: SourceName;
  engine: Engine;
  /** IANA time zone of its calendar. */
  timeZone: string;
  /** zstd level. */
  compressionLevel: number;
  /** Streams at the same time. */
  parallel: number;
};
