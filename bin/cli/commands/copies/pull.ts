import { join, resolve } from 'node:path';
import { copyBackup } from '../../../../core/commands/copy.ts';
import type { CopiedBackup } from '../../../../core/commands/copy.ts';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { formatBytes, plural } from '../../../../core/domain/units.ts';
import { chooseBackup } from '../../../../core/survey/choose.ts';
import { memoryFor, readable } from '../../names.ts';
import type { CommandOutcome } from '../../text/output.ts';
import { showProgress } from '../../text/progress.ts';
import type { CommandSession } from '../../session.ts';

/** `nightjar pull`: brings a backup into a folder, as it is stored. */
export async function pullCommand(
  name: string,
  which: string,
  { to }: { to: string },
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const source = await readable(name, nightjar, signal);
  const { manifest, warnings } = await chooseBackup(source, which, memoryFor(source, nightjar), nightjar, signal);
  for (const line of warnings) out.note(`warning ${line}`);
  const folder = await nightjar.storeIn(resolve(to));
  const progress = showProgress(source, 'pulling', out, Date.now);
  try {
    const deps = { ...nightjar, from: nightjar.store, to: folder, report: progress.report };
    const pulled = await copyBackup(source, manifest.id as BackupId, deps, signal);
    progress.end();
    out.say(`${source}  ${pulled.id}  ${broughtText(pulled)} ${join(pulled.place, source, pulled.id)}`);
    return { document: { result: pulled }, failures: [] };
  } finally {
    progress.end();
  }
}

function broughtText({ state, parts, bytes }: CopiedBackup): string {
  if (state === 'there') return 'is there already:';
  return `${plural(parts, 'part')}, ${formatBytes(bytes)}, brought to`;
}
