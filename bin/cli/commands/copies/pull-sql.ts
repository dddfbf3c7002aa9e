import { messageOf } from '../../../../core/domain/errors.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { formatBytes } from '../../../../core/domain/units.ts';
import type { Manifest, ManifestPart } from '../../../../core/contract/manifest/manifest.ts';
import type { ByteStream } from '../../../../core/ports.ts';
import type { CommandOutcome } from '../../text/output.ts';
import { showProgress } from '../../text/progress.ts';
import type { CommandSession } from '../../session.ts';

/** What is left out of the text, and whether events run where it is loaded. */
export type SqlFlags = { owner: boolean; tablespaces: boolean; events?: boolean };

/** `nightjar pull --sql`: writes a backup as one SQL text to stdout, and everything else to stderr. */
export async function pullSql(
  manifest: Manifest,
  { owner, tablespaces, events = false }: SqlFlags,
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const source = manifest.source as SourceName;
  const progress = showProgress(source, 'pulling', out, Date.now);
  let bytes = 0;
  async function* counted(content: ByteStream): ByteStream {
    for await (const chunk of content) {
      bytes += chunk.length;
      progress.report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: 0 });
      yield chunk;
    }
  }
  try {
    const owners = owner && manifest.adopted === undefined;
    // a part is not called damaged if only its transfer was at fault
    async function* open(part: ManifestPart, stop: AbortSignal): ByteStream {
      try {
        yield* nightjar.store.openPart(manifest, part, stop);
      } catch (error) {
        throw await nightjar.store.afterReadingAgain(error, { backup: manifest, part }, stop);
      }
    }
    const text = await nightjar.plainSql({ manifest, open, owners, tablespaces, events }, signal);
    const deps = { clock: nightjar.clock, report: progress.report };
    await nightjar.store.withDamageRecord(manifest, deps, () => out.data(counted(endingBadly(text))));
    progress.end();
    out.note(`${source}  ${manifest.id}  ${formatBytes(bytes)} of SQL, every part as the manifest has it`);
    return { document: {}, failures: [] };
  } finally {
    progress.end();
  }
}

/** After a failure, the text itself ends with an error: whoever finds the file later has no exit code. */
async function* endingBadly(text: ByteStream): ByteStream {
  try {
    yield* text;
  } catch (error) {
    yield Buffer.from(`\n-- NOT WHOLE: ${messageOf(error).replaceAll(/[^\x20-\x7e]/g, '?')}\n`);
    throw error;
  }
}
