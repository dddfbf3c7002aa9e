import type { DumpTally } from '../../core/pipeline/rows/reader.ts';
import type { Engine, OpenedPart, PartNotes, PlannedPart } from '../../core/ports.ts';
import { asJson } from './elsewhere/as-json.ts';
import { limit } from './vaults/vault.ts';

/** What has become of a part. */
export type MadePart = { text: Buffer; tally: DumpTally | undefined; notes: PartNotes };

/** Makes a part of a plan to its end, of what JSON brings of it; `between` is told of each chunk. */
export async function makePart(
  engine: Pick<Engine, 'open'>,
  part: PlannedPart,
  between: (part: PlannedPart) => Promise<void> = async () => {},
): Promise<MadePart> {
  const { content, reader, notes } = engine.open(JSON.parse(asJson(part)) as PlannedPart, limit());
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) {
    reader?.write(chunk);
    chunks.push(chunk);
    await between(part);
  }
  const noted = JSON.parse(asJson(await notes())) as PartNotes;
  return { text: Buffer.concat(chunks), tally: reader?.end(), notes: noted };
}

/** An engine whose parts are made otherwise than by this one. */
export function opening(
  engine: Engine,
  change: (opened: OpenedPart, part: PlannedPart, signal: AbortSignal) => Partial<OpenedPart>,
): Engine {
  return {
    ...engine,
    open(part, signal) {
      const opened = engine.open(part, signal);
      return { ...opened, ...change(opened, part, signal) };
    },
  };
}
