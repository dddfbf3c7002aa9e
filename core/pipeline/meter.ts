import { BackupError } from '../domain/errors.ts';
import type { Bytes } from '../domain/units.ts';
import type { ByteStream, OpenedPart, Report } from '../ports.ts';
import type { DumpReader, DumpTally } from './rows/reader.ts';

/** A part on its way. What was counted in it is known once the stream has ended. */
export type Metered = { stream: ByteStream; bytes(): Bytes; tally(): DumpTally | undefined };

/** Counts what passes of a part. The stream throws `dump-cut` if there is nothing or its end is missing. */
export function metered(file: string, { content, reader, mayBeEmpty }: OpenedPart, report: Report): Metered {
  let tally: DumpTally | undefined;
  let bytes = 0;
  async function* pass(): ByteStream {
    let rows = 0;
    for await (const chunk of content) {
      await reader?.write(chunk);
      const now = reader?.progress().rows ?? 0;
      report({ type: 'progress', rows: now - rows, bytes: chunk.length, storedBytes: 0 });
      rows = now;
      bytes += chunk.length;
      yield chunk;
    }
    tally = wholeTally(reader, file);
    if (bytes === 0 && mayBeEmpty !== true)
      throw new BackupError('dump-cut', `${file}: the dump program said nothing, and that it succeeded`);
  }
  return { stream: pass(), tally: () => tally, bytes: () => bytes };
}

/** What a reader has counted. Throws `dump-cut` unless the dump's own end marker was the last thing in it. */
export function wholeTally(reader: DumpReader | undefined, file: string): DumpTally | undefined {
  const tally = reader?.end();
  if (tally !== undefined && !tally.ended) {
    throw new BackupError(
      'dump-cut',
      `${file}: the dump ended without its end marker, though the program said that it succeeded`,
      { hint: 'nothing was stored; run the backup again' },
    );
  }
  return tally;
}
