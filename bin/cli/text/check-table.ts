import type { Checked } from '../../../core/commands/check/check.ts';
import { messageOfFinding } from '../../../core/domain/messages/check.ts';
import type { Finding, Judgement } from '../../../core/domain/watch/freshness.ts';
import { startOf } from '../../../core/domain/keys.ts';
import { moment } from '../../../core/domain/messages/text.ts';
import { naming } from '../../../core/domain/messages/commands.ts';
import { momentText } from '../../../core/domain/messages/findings/missing.ts';
import { formatCount, plural } from '../../../core/domain/units.ts';
import { goneLines, isGoneAlone } from './gone-lines.ts';
import { aligned, cut, shortAge, shortSpan, wrapped } from './text.ts';

const head = ['source', 'state', 'age', 'limit', 'proven', 'backups', 'failed'];
const numbers = [2, 3, 4, 5, 6];
/** What the other columns leave of 80. */
const longestName = 21;
const width = 80;
/** For a schedule that has failed for long, the last moments are enough. */
const shownMoments = 10;

/** The table of a check, within 80 columns: a line for each source, and for each one that only the vault knows. */
export function checkTable({ at, judgements, unconfigured }: Checked): string[] {
  const others = unconfigured.map(({ source, newest, count }) => [
    cut(source, longestName),
    'unconfigured',
    age(newest, at),
    '',
    '',
    formatCount(count),
    '',
  ]);
  return aligned([head, ...judgements.map((judgement) => cells(judgement, at)), ...others], numbers);
}

/** The findings, each with what to do about it; empty if all is well. */
export function findingLines(
  { at, judgements, vault, place, further = [] }: Checked,
  named = naming(undefined),
): string[] {
  if (vault !== undefined)
    return [
      '',
      ...wrapped(`the vault ${place} can't be read, so nothing is known: ${vault.why}`, width),
      ...hintLines(vault.hint, named),
      ...further.map(({ name }) => `  run: ${named(`nightjar list --vault ${name}`)}`),
    ];
  const others = judgements.filter((one) => !isGoneAlone(one));
  const lines = others.flatMap((judgement) => {
    const {
      standing: { source, timeZone, newest, running, failures, lastFailure },
      findings,
    } = judgement;
    const kinds = [...new Set(findings.map(({ kind }) => kind))];
    const failed =
      `${plural(failures, 'backup')} ` +
      `failed${newest === undefined ? '' : ' since'}${lastFailure === undefined ? '' : `, the last with ${lastFailure}`}`;
    if (kinds.length === 0)
      return failures === 0 ? [] : ['', ...wrapped(`${source}: fresh, but ${failed}`, width, '', '  ')];
    const lines = kinds.flatMap((kind) => linesOf(judgement, kind, at, named));
    const atWork = running === undefined ? [] : [`  a backup is at work since ${moment(running, timeZone)}`];
    return ['', ...lines, ...atWork, ...(failures === 0 || kinds[0] === 'paused' ? [] : [`  ${failed}`])];
  });
  return [...lines, ...goneLines(judgements, named)];
}

/** Further vaults that can't be read. */
export function unreadLines({ further = [] }: Pick<Checked, 'further'>, named = naming(undefined)): string[] {
  return further.flatMap(({ name, unread }) =>
    unread === undefined
      ? []
      : [
          '',
          ...wrapped(`the vault ${name} can't be read, so nothing is known of its copies: ${unread.why}`, width),
          ...hintLines(unread.hint, named),
        ],
  );
}

/** Notices about the database clients and about notifiers. */
export function noticeLines({ notices = [], unheard = [] }: Checked, named = naming(undefined)): string[] {
  return [...notices, ...unheard].flatMap(({ text, hint }) => [
    '',
    ...wrapped(`note: ${text}`, width, '', '  '),
    ...hintLines(hint, named),
  ]);
}

function linesOf(judgement: Judgement, kind: Finding['kind'], at: Date, named: (text: string) => string): string[] {
  const message = messageOfFinding(judgement, kind, { at });
  const more = judgement.findings.flatMap((one) => {
    if (one.kind === 'paused') return one.until === undefined ? [] : [`  until ${one.until}`];
    if (one.kind === 'missed')
      return one.kind === kind && one.moments.length > 1
        ? [...one.moments.slice(-shownMoments).map((night) => `  ${momentText(night, judgement.standing.timeZone)}`)]
        : [];
    if (one.kind === 'lease-stuck') return one.kind === kind ? wrapped(one.why, width, '  ') : [];
    return one.kind === 'unknown' && one.kind === kind
      ? [...wrapped(one.why, width, '  '), ...hintLines(one.hint, named)]
      : [];
  });
  const commands =
    kind === 'paused' ? [] : (message?.next ?? []).filter((command) => !command.startsWith('nightjar check'));
  return [
    ...wrapped(`${judgement.standing.source}: ${kind}: ${message?.subject ?? ''}`, width, '', '  '),
    ...more,
    ...commands.flatMap((command) => wrapped(`  run: ${named(command)}`, width, '', '    ')),
  ];
}

function cells(
  { standing: { source, newest, limitMs, proven, failures, count }, state, findings }: Judgement,
  at: Date,
): string[] {
  const kinds = new Set(findings.map(({ kind }) => kind)).size;
  const unknown = findings.some((one) => one.kind === 'unknown' && one.whole);
  const known = unknown
    ? ['', '', '', '', '']
    : [
        age(newest, at),
        shortSpan(limitMs),
        proven === undefined ? 'never' : age(proven, at),
        formatCount(count),
        formatCount(failures),
      ];
  return [cut(source, longestName), `${state}${kinds > 1 ? ` +${kinds - 1}` : ''}`, ...known];
}

function age(id: Parameters<typeof startOf>[0] | undefined, at: Date): string {
  return id === undefined ? 'none' : shortAge(at.getTime() - startOf(id).getTime());
}

function hintLines(hint: string | undefined, named: (text: string) => string): string[] {
  return hint === undefined ? [] : wrapped(`hint: ${named(hint)}`, width, '  ', '        ');
}
