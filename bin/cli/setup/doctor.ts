import { doctor } from '../../../core/commands/doctor/doctor.ts';
import { configured } from '../names.ts';
import type { CommandSession } from '../session.ts';
import { doctorLines, doctorSummary } from '../text/setup/doctor-text.ts';
import type { CommandOutcome } from '../text/output.ts';

export type DoctorFlags = { notify?: true };

/** `nightjar doctor`: tries everything that the named sources, or all, need. */
export async function doctorCommand(
  names: readonly string[],
  { notify = false }: { notify?: boolean },
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const progress = (done: number, all: number) => out.live(`examined ${done} of ${all}`);
  const sources = configured(names, nightjar);
  const found = await doctor(sources, { notify }, { ...nightjar, progress }, signal).finally(() => out.live(undefined));
  for (const line of doctorLines(found, out.naming, out.columns)) out.say(line);
  out.say(doctorSummary(found));
  return {
    document: { results: found.map(({ ...one }) => ({ ...one, error: undefined, blocked: undefined })) },
    failures: found.flatMap((one) => (one.outcome === 'failed' ? [one.error] : [])),
  };
}
