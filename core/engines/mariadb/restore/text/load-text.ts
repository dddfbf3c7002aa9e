import { BackupError } from '../../../../domain/errors.ts';
import type { ByteStream } from '../../../../ports.ts';
import { bytesOf, linesOf } from '../../lines.ts';

const tailBytes = 128;
/** The end of every whole part. */
export const endMarker = /\n-- Dump completed[^\n]*\n\s*$/;

/**
 * A part on its way to the client, with a COMMIT after it: a part without the dump's own end marker throws
 * `part-corrupt`, and so does not commit.
 */
export async function* withCommit(content: ByteStream, name: string): ByteStream {
  let tail = Buffer.alloc(0);
  for await (const chunk of content) {
    tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes);
    yield chunk;
  }
  if (!endMarker.test(`\n${tail.toString('latin1')}`)) {
    throw new BackupError('part-corrupt', `${name} was cut: it does not end with the end marker of a dump`);
  }
  yield Buffer.from('COMMIT;\n');
}

const definer = /DEFINER=(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")@(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")/;
const definerLine =
  /^(?:CREATE DEFINER=|\/\*!50013 DEFINER=|\/\*!50003 CREATE\*\/ \/\*!50017 DEFINER=|\/\*!50106 CREATE\*\/ \/\*!50117 DEFINER=)/;

/** Definitions without their DEFINER clauses: whoever restores them owns them. */
export async function* withoutDefiners(content: ByteStream): ByteStream {
  for await (const lines of linesOf(content)) {
    yield bytesOf(lines.map((line) => (definerLine.test(line) ? line.replace(definer, '') : line)));
  }
}
