import { wordsOf } from '../../../../core/engines/index.ts';
import type { ShownBackup } from '../../../../core/commands/show.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { shrunkText } from '../../../../core/domain/messages/findings/content.ts';
import { moment } from '../../../../core/domain/messages/text.ts';
import type { Verdict } from '../../../../core/domain/verdict/verdict.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../../../../core/domain/units.ts';
import { adoptedText } from './adopted-text.ts';
import { sharedBytes, sizesOf } from '../../../../core/domain/parts/sizes.ts';
import { aligned, cut, wrapped } from '../text.ts';

const width = 80;
const label = 12;
/** What figures and fingerprints leave of 80 columns. */
const longestName = 40;

/** Whether a further vault has the backup, too. */
export type CopyShown = { vault: string; state: 'there' | 'missing' | 'damaged' | 'unknown'; why?: string };

/** One backup as a person reads it, within 80 columns. `place`: the vault. */
export function showLines(shown: ShownBackup, place: string, copies: readonly CopyShown[] = []): string[] {
  const { manifest } = shown;
  return [
    `${manifest.source}  ${manifest.id}  ${worth(shown.verdict)}`,
    ...[...factsOf(shown, place), ...copies.map(copyFact)].flatMap(([name, text]) =>
      wrapped(text, width, `  ${name.padEnd(label - 1)} `, ' '.repeat(label + 2)),
    ),
    '',
    ...partLines(manifest),
    '',
    ...tableLines(manifest),
  ];
}

function copyFact({ vault, state, why }: CopyShown): [string, string] {
  const text = state === 'unknown' ? "can't be known" : state;
  return ['copy', `${vault}: ${text}${why === undefined ? '' : `: ${why}`}`];
}

function worth({ good, full, proven }: Verdict): string {
  if (!good) return 'NOT GOOD';
  return `${full ? 'good' : 'good, not full'}${proven ? ', proven' : ''}`;
}

/** Why a verdict is no better. */
export function doubtsIn({ damage, misdated, shrunk, other }: Verdict): string[] {
  return [
    ...(damage === undefined ? [] : [damage.why]),
    ...(misdated === undefined ? [] : [misdated.why]),
    ...(shrunk === undefined ? [] : [shrunkText(shrunk)]),
    ...(other === undefined ? [] : [`of another ${other.what}: ${other.now} instead of ${other.before}`]),
  ];
}

/** Added to the recipients of an encrypted backup (docs/encryption.md). */
const ownLists = '; names and checksums of what it holds also to a key of the machine that made it';

function factsOf({ manifest, verdict, tiers, pinned, pin, proofs }: ShownBackup, place: string): [string, string][] {
  const { database, server, client, start, timeZone, encryption, adopted } = manifest;
  const { rows, bytes, storedBytes, ms } = sizesOf(manifest);
  const words = wordsOf(manifest.engine);
  const to = encryption?.recipients.join(', ');
  return [
    ...doubtsIn(verdict).map((why): [string, string] => ['but', why]),
    ['lies in', place],
    [words.whole, `${database} on ${server.product} ${server.version}, by ${client.program} ${client.version}`],
    adopted === undefined
      ? ['made', `${moment(new Date(start), timeZone)}, in ${formatDuration(ms)}`]
      : [
          'made',
          `${moment(new Date(start), timeZone)}, as was told; ${adoptedText(adopted, timeZone)}; SHA-256 ${adopted.sha256}`,
        ],
    ...positionFacts(manifest),
    ['holds', `${plural(rows, words.row)} in ${plural(manifest.tables.length, words.table)}, ${formatBytes(bytes)}`],
    ['stored', `${formatBytes(storedBytes)} in ${plural(manifest.parts.length, 'part')}${sharedText(manifest)}`],
    ['encrypted', to === undefined ? 'no' : `to ${to}${encryption?.ownLists === true ? ownLists : ''}`],
    ['counts for', tiers.length === 0 ? 'nothing' : tiers.join(', ')],
    ...(pinned
      ? [
          [
            'pinned',
            pin === undefined ? 'yes' : `${pin.reason} (${pin.by}, ${pin.at})${pin.held ? ', under a legal hold' : ''}`,
          ] as [string, string],
        ]
      : []),
    ...(proofs.length === 0 ? [['looked at', 'never'] as [string, string]] : []),
    ...proofs.map(({ kind, outcome, at }): [string, string] => [
      'looked at',
      `${moment(at, timeZone)}: ${kind} ${outcome}`,
    ]),
    ...manifest.warnings.map((text): [string, string] => ['warning', text]),
    ...(manifest.exceptions ?? []).map((text): [string, string] => ['except', text]),
  ];
}

const relations = { at: '', 'at-or-before': ' or later', 'at-or-after': ' or earlier' } as const;

/** The position of its moment in the server's log: `lsn 0/16B3748 or earlier`. */
function positionFacts({ position = [] }: Manifest): [string, string][] {
  if (position.length === 0) return [];
  return [['moment', position.map(({ name, value, relation }) => `${name} ${value}${relations[relation]}`).join('; ')]];
}

function partLines({ engine, parts }: Manifest): string[] {
  const rows = parts.map(({ file, rows: count, bytes, storedBytes, sha256 }) => [
    cut(file, longestName),
    count === undefined ? '' : formatCount(count),
    formatBytes(bytes),
    formatBytes(storedBytes),
    sha256.slice(0, 12),
  ]);
  return aligned([['part', `${wordsOf(engine).row}s`, 'size', 'stored', 'sha256'], ...rows], [1, 2, 3]);
}

function tableLines({ engine, tables }: Manifest): string[] {
  const words = wordsOf(engine);
  if (tables.length === 0) return [`no ${words.table}`];
  const rows = tables.map(({ table, rows: count, fingerprint }) => [
    cut(table, longestName),
    formatCount(count),
    fingerprint,
  ]);
  return aligned([[words.table, `${words.row}s`, 'fingerprint'], ...rows], [1]);
}

function sharedText({ parts }: Manifest): string {
  const shared = sharedBytes(parts);
  return shared === 0 ? '' : `, ${formatBytes(shared)} of it in common with older backups`;
}
