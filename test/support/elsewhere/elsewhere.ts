import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import type { Login } from '../../../core/engines/login.ts';
import type { DumpTally } from '../../../core/pipeline/rows/reader.ts';
import type { Engine, OpenedPart, PartNotes, PlannedPart } from '../../../core/ports.ts';
import { layerRoot } from '../tools.ts';
import { asJson } from './as-json.ts';

type Told = {
  tally?: DumpTally;
  notes: PartNotes;
  error?: { code: FailureCode; message: string; hint?: string };
};

/** Which part was made by which process, as JSON. */
export type Handed = { text: string; pid: number }[];

/** An engine that plans here and has each part made by another process, which gets it as JSON. */
export function elsewhere(engine: Engine, login: Login, handed: Handed): Engine {
  return { ...engine, open: (part, signal) => openElsewhere(engine.name, part, { login, handed }, signal) };
}

function openElsewhere(
  name: string,
  part: PlannedPart,
  { login, handed }: { login: Login; handed: Handed },
  signal: AbortSignal,
): OpenedPart {
  const text = asJson(part);
  let told: Told | undefined;
  async function* content() {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'make-part.ts'), name, await layerRoot()], {
      env: { ...process.env, NODE_OPTIONS: '', LOGIN: JSON.stringify(login) },
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
      signal,
    });
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    const answer = json(child.stdio[3] as Readable) as Promise<Told>;
    for (const awaited of [answer, failed]) awaited.catch(() => {});
    handed.push({ text, pid: child.pid! });
    child.stdin!.end(text);
    yield* child.stdout!;
    told = await Promise.race([answer, failed]);
    if (told.error === undefined) return;
    const { code, message, hint } = told.error;
    throw new BackupError(code, message, { hint });
  }
  const reader = { write: () => {}, progress: () => ({ rows: 0, bytes: 0 }), end: () => told!.tally! };
  return { content: content(), ...(part.hasRows && { reader }), notes: async () => told!.notes };
}
