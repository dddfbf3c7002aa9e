import { fewNames } from '../../../domain/lines.ts';
import { formatBytes } from '../../../domain/units.ts';
import type { KeptDatabase } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';
import { dropKept, keptDatabases } from './kept.ts';
import type { DroppedKept } from './kept.ts';

type Fate = { before: string | undefined; dropOld: boolean; proven: boolean };

/**
 * What became of what was replaced. Drops it where that is asked for, and what earlier replacements have kept before
 * today once this one is `proven`: one that runs every night keeps one database and not one for each night.
 */
export async function oldNotes(
  session: MariadbSession,
  login: Login,
  { before, dropOld, proven }: Fate,
): Promise<string[]> {
  if (dropOld) return (await dropKept(session, login)).flatMap((dropped) => notDroppedNote(dropped) ?? []);
  const dropped = proven ? await dropKept(session, login, ({ name, recent }) => name !== before && !recent) : [];
  const kept = await keptDatabases(session, login);
  const old = kept.find(({ name }) => name === before);
  const others = kept.filter(({ name }) => name !== before && dropped.every((one) => one.name !== name));
  return [
    ...(old === undefined
      ? []
      : [`the old database is kept as ${sized(old)}: --undo puts it back, --drop-old drops it`]),
    ...dropped.map((one) => notDroppedNote(one) ?? `dropped, as an earlier replacement had kept it: ${sized(one)}`),
    ...keptNotes(others),
  ];
}

function notDroppedNote({ name, why }: DroppedKept): string | undefined {
  if (why === undefined) return undefined;
  const remedy = `when nothing of it is needed: DROP DATABASE ${quoteName(name)}`;
  return `the old database ${name} could not be dropped (${why}); ${remedy}`;
}

/** What is kept from before: it takes space until somebody says that it is not needed any more. */
export function keptNotes(kept: readonly KeptDatabase[]): string[] {
  if (kept.length === 0) return [];
  return [`kept from before: ${fewNames(kept.map(sized))}: --drop-old drops what is kept`];
}

export function sized({ name, bytes }: KeptDatabase): string {
  return bytes === undefined ? name : `${name} (${formatBytes(bytes)})`;
}
