import type { Baseline, Entry, Ledger } from '../../contract/memory/ledger.ts';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import { isAdopted } from './adopted.ts';
import { grown, isYetEmpty, otherThan, shrinkingAgainst } from './baseline.ts';
import type { BackupFacts } from './baseline.ts';
import { goneOf } from './gone.ts';
import type { BackupFound, SourceHistory } from './history.ts';
import { startOf } from '../keys.ts';
import { manifestFile } from '../layout/places.ts';
import { backupPathOf } from '../layout/records.ts';
import type { BackupId } from '../keys.ts';
import { contentBytes } from '../parts/sizes.ts';
import { familiesOf, volatileOf } from './table-levels.ts';
import { clocksMs, comparedSince, damageOf, damagedParts, misdatedOf, partsListed, partsNamed } from './verdict.ts';
import type { SourceRules } from './verdict.ts';

/** What was read of a manifest: its content, and its parts as stored in the vault; or why it can't be understood. */
export type ManifestRead =
  | { content: BackupFacts; parts: Pick<Manifest, 'parts'>['parts'] }
  | { unreadable: string; unsigned?: true };

/** What a manifest says, as far as its backup is judged by it. */
export function contentOf({ start, end, engine, database, server, parts, tables, adopted }: Manifest): BackupFacts {
  const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);
  const facts = {
    start,
    end,
    rows: sum(tables.map(({ rows }) => rows)),
    bytes: contentBytes(parts),
    parts: partsNamed(parts),
    engine,
    database,
  };
  return {
    facts: {
      ...facts,
      ...(server.identity !== undefined && { server: server.identity }),
      ...(adopted !== undefined && { adopted: true as const }),
    },
    families: familiesOf(tables),
  };
}

/**
 * The backups whose manifests have to be read: new ones, ones that could not be understood, ones whose object has
 * changed, and ones whose parts have changed since they were last compared; all of them if other signing rules were
 * remembered.
 */
export function toRead({ backups }: SourceHistory, ledger: Ledger | undefined, signing?: string): BackupId[] {
  if (ledger?.signing !== signing) return backups.map(({ id }) => id);
  const known = new Map(ledger?.backups.map((entry) => [entry.id, entry]));
  return backups.flatMap((found) => (isKnown(found, known.get(found.id)) ? [] : [found.id]));
}

/**
 * What is remembered after a look: for each backup that exists, what its manifest says and how it compares with the
 * baseline of its time; the baseline, which only full backups move; and what is gone. The result depends only on what
 * was looked at. Leaves out backups that could not be read. An adopted one is neither late nor compared, and does not
 * move the baseline.
 */
export function remember(
  before: Ledger | undefined,
  history: SourceHistory,
  read: ReadonlyMap<BackupId, ManifestRead>,
  memory: SourceRules,
  now: Date,
): Ledger {
  const ledger = restartedSince(before ?? { version: 1, backups: [] }, memory);
  const known = new Map(ledger.backups.map((entry) => [entry.id, entry]));
  const own = ledger.backups.filter((entry) => !isAdopted(entry));
  const lastKnown = own.findLast(
    ({ id, odd, unsigned }) =>
      odd === undefined && unsigned === undefined && startOf(id as BackupId).getTime() <= now.getTime() + clocksMs,
  )?.id;
  let { baseline } = ledger;
  const entries: Entry[] = [];
  const back = new Set(
    own.slice(own.findLastIndex(({ shrunk }) => shrunk === undefined) + 1).flatMap(({ shrunk }) => shrunk?.table ?? []),
  );
  for (const found of history.backups) {
    const one = read.get(found.id);
    const old = known.get(found.id);
    if (one === undefined) {
      if (old !== undefined) entries.push(old);
      continue;
    }
    const made = entryOf(found, one, old, lastKnown);
    const isJudged = old !== undefined || 'unreadable' in one || isAdopted(made);
    const compared = isJudged ? made : comparedWith(baseline, made, one.content, memory);
    entries.push(compared);
    if (isJudged) continue;
    const isGood = damageOf(found, compared) === undefined && misdatedOf(found, compared, now) === undefined;
    if (compared.shrunk?.table !== undefined) back.add(compared.shrunk.table);
    if (!isGood || compared.shrunk !== undefined || compared.other !== undefined) continue;
    if (isYetEmpty(baseline, one.content, memory.shrink)) continue;
    baseline = grown(baseline, found.id, one.content, back);
    back.clear();
  }
  const { retention, timeZone } = memory;
  const policy = retention === undefined ? ledger.policy : { retention, timeZone };
  const gone = goneOf(ledger, entries, history, memory, now);
  return { ...ledger, backups: entries, baseline, gone, ...(policy && { policy }) };
}

function isKnown(found: BackupFound, entry: Entry | undefined): boolean {
  // an older version that did not understand the manifest may have recorded this
  if (entry === undefined || (entry.unreadable !== undefined && entry.unsigned === undefined)) return false;
  const { bytes, modified } = manifestOf(found);
  if (entry.manifest.bytes !== bytes || entry.manifest.modified !== modified) return false;
  const listed = partsListed(found);
  return entry.facts === undefined || listed === entry.facts.parts || listed === entry.listed?.parts;
}

function manifestOf({ objects }: BackupFound): Entry['manifest'] {
  const found = objects.find(({ key }) => backupPathOf(key)?.path === manifestFile);
  return { bytes: found?.bytes ?? 0, modified: (found?.modified ?? new Date(0)).toISOString() };
}

/** What is remembered of a manifest that was just read. `old`: what was known of it before. */
function entryOf(found: BackupFound, read: ManifestRead, old: Entry | undefined, lastKnown: string | undefined): Entry {
  const same = { id: found.id, manifest: manifestOf(found), ...(old?.accepted && { accepted: old.accepted }) };
  const odd = old?.odd ?? (old === undefined && lastKnown !== undefined && found.id < lastKnown ? 'late' : undefined);
  const judged = { ...(old?.shrunk && { shrunk: old.shrunk }), ...(old?.other && { other: old.other }) };
  if ('unreadable' in read) {
    const { unreadable, unsigned } = read;
    return { ...same, unreadable, ...(unsigned && { unsigned }), ...(odd && { odd }), ...judged };
  }
  const {
    content: { facts },
    parts,
  } = read;
  const late = facts.adopted === true && odd === 'late' ? undefined : odd;
  const isReplaced = old?.facts !== undefined && JSON.stringify(old.facts) !== JSON.stringify(facts);
  const listed = partsListed(found);
  const damage = damagedParts(parts, found);
  return {
    ...same,
    facts,
    ...(listed !== facts.parts && {
      listed: { parts: listed, ...(damage && { damage: { kind: damage.kind as 'gone' | 'cut', why: damage.why } }) },
    }),
    ...(isReplaced ? { odd: 'replaced' as const } : late && { odd: late }),
    ...judged,
  };
}

function comparedWith(baseline: Baseline | undefined, entry: Entry, content: BackupFacts, memory: SourceRules): Entry {
  if (!comparedSince(memory)(entry.id as BackupId)) return entry;
  const shrunk = shrinkingAgainst(baseline, content, memory.shrink);
  const other = otherThan(baseline, content.facts);
  return { ...entry, ...(shrunk && { shrunk }), ...(other && { other }) };
}

/**
 * `shrink.since` in the configuration: backups before that day are no longer a measure. Known backups since then are
 * compared again, by their sums.
 */
function restartedSince(ledger: Ledger, memory: SourceRules): Ledger {
  const counts = comparedSince(memory);
  if (ledger.baseline === undefined || counts(ledger.baseline.from as BackupId)) return ledger;
  const {
    baseline: { servers, tables },
    ...rest
  } = ledger;
  let baseline: Baseline | undefined;
  const backups = ledger.backups.map((entry): Entry => {
    const { shrunk: _, ...bare } = entry;
    if (!counts(entry.id as BackupId) || bare.facts === undefined || bare.other !== undefined) return entry;
    if (isAdopted(entry)) return entry;
    const content: BackupFacts = { facts: bare.facts, families: new Map() };
    const shrunk = shrinkingAgainst(baseline, content, memory.shrink);
    if (isYetEmpty(baseline, content, memory.shrink)) return bare;
    if (shrunk === undefined || baseline === undefined) baseline = grown(baseline, entry.id as BackupId, content);
    return { ...bare, ...(shrunk && baseline.rows > 0 && { shrunk }) };
  });
  if (baseline === undefined) return ledger;
  return { ...rest, backups, baseline: { ...baseline, servers, tables: volatileOf(tables) } };
}
