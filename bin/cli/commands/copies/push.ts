import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { basename, resolve } from 'node:path';
import { push } from '../../../../core/commands/push.ts';
import type { AdoptionPlace, Pushed } from '../../../../core/commands/push.ts';
import type { Nightjar } from '../../../../core/compose.ts';
import { drillDatabaseName } from '../../../../core/domain/drill-name.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { moment, word } from '../../../../core/domain/messages/text.ts';
import { momentMeant } from '../../../../core/domain/time/moment-meant.ts';
import { formatBytes, formatCount, plural } from '../../../../core/domain/units.ts';
import { configured } from '../../names.ts';
import { sizesOf } from '../../../../core/domain/parts/sizes.ts';
import type { CommandOutcome, Output } from '../../text/output.ts';
import { showProgress } from '../../text/progress.ts';
import type { CommandSession } from '../../session.ts';

/** `nightjar push`: adopts somebody else's dump as a backup of the past. */
export async function pushCommand(
  name: string,
  file: string,
  flags: { at?: string },
  { nightjar, out, cwd }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const [source] = configured([name], nightjar) as [SourceName];
  const at = momentOf(source, flags.at, nightjar, out);
  const path = resolve(cwd, file);
  await access(path, constants.R_OK);
  if ((await stat(path)).isDirectory())
    throw new BackupError('input-invalid', `${path} is a folder, and a dump is one file`, {
      hint: `of what pg_dump --format=directory has made, make one text, and push that: pg_restore --file=dump.sql ${word(file)}`,
    });
  const place = await placeOf(source, nightjar, signal);
  out.note(`dump    ${path}, of ${moment(at, place.source.timeZone)}`);
  out.note(`into    ${place.scratch.place} (a scratch database, dropped at the end)`);
  const progress = showProgress(source, 'adopting', out, Date.now, 'loading the dump');
  try {
    const dump = {
      name: basename(path),
      open: (stop: AbortSignal) => createReadStream(path, { signal: stop }),
      at,
      by: `${userInfo().username}@${hostname()}`,
    };
    const pushed = await push(dump, place, { ...nightjar, report: progress.report }, signal);
    progress.end();
    tell(pushed, out);
    const { manifest } = pushed;
    const { id, adopted, warnings } = manifest;
    const result = { status: 'adopted', source, id, adopted, ...sizesOf(manifest), warnings };
    return { document: { result }, failures: [] };
  } finally {
    progress.end();
  }
}

/** A day without a time means its end; a backup's name has whole seconds. */
function momentOf(source: SourceName, text: string | undefined, nightjar: Nightjar, out: Output): Date {
  if (text === undefined)
    throw new BackupError('input-invalid', 'a dump does not say of when it is', {
      hint: `nightjar push ${word(source)} <file> --at "2019-06-01 08:00": the moment at which it was begun`,
    });
  const { timeZone } = nightjar.settings(source);
  const { at, odd } = momentMeant(text, { timeZone, now: nightjar.clock.now() });
  if (odd !== undefined) out.note(odd);
  return new Date(Math.floor(at.getTime() / 1000) * 1000);
}

async function placeOf(name: SourceName, nightjar: Nightjar, signal: AbortSignal): Promise<AdoptionPlace> {
  const source = await nightjar.source(name, {}, signal);
  const scratch = async () => {
    const database = drillDatabaseName(source.database, nightjar.random());
    return (await nightjar.source(name, { database, adopting: true }, signal)).engine;
  };
  return { source, database: source.database, scratch: await scratch(), proof: await scratch() };
}

function tell({ manifest, proof }: Pushed, out: Output): void {
  const { rows, bytes, storedBytes } = sizesOf(manifest);
  out.say(
    `${manifest.source}  ${manifest.id}  adopted: ${formatCount(rows)} rows in ` +
      `${plural(manifest.tables.length, 'table')}, ${formatBytes(bytes)}, ${formatBytes(storedBytes)} stored`,
  );
  out.say(proof);
  out.note('rotation never removes it, and only its id leads to it: nightjar remove, restore, show');
}
