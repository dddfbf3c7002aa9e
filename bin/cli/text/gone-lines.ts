import { databaseSourceName } from '../../../core/contract/config/sources/whole-servers.ts';
import type { Judgement } from '../../../core/domain/watch/freshness.ts';
import { fewNames, inYaml, oneLine } from '../../../core/domain/lines.ts';
import { moment, word } from '../../../core/domain/messages/text.ts';
import { plural } from '../../../core/domain/units.ts';
import { wrapped } from './text.ts';

const width = 80;
const shown = 20;
/** Findings that follow from a database being gone. */
const ofGone = new Set(['never', 'stale', 'missed', 'overdue-drill']);

/** A database that no longer exists on its server, and has no other findings. */
export function isGoneAlone({ standing, findings }: Judgement): boolean {
  return standing.gone !== undefined && findings.length > 0 && findings.every(({ kind }) => ofGone.has(kind));
}

/** Databases that disappeared from one server in one night, mentioned once: a lost server may have had hundreds. */
export function goneLines(judgements: readonly Judgement[], named: (text: string) => string): string[] {
  const gone = judgements.filter(isGoneAlone);
  const nights = Map.groupBy(gone, ({ standing: { gone: { server, since } = {} } }) => `${since?.getTime()} ${server}`);
  return [...nights.values()].flatMap((together) => {
    const { gone: first, timeZone } = together[0]!.standing;
    const { server, since } = first!;
    const names = together.map(({ standing }) => inYaml(standing.gone!.database));
    const kept = together.flatMap(({ standing: { newest, source } }) => (newest === undefined ? [] : [source]));
    const there = judgements.filter(({ standing }) => isThere(standing, server)).length;
    // then the server is lost, and its restore brings them all back
    const restored = together.length > there && together.length > 1 ? [server] : kept.slice(0, 3);
    const is = together.length === 1 ? 'is' : 'are';
    return [
      '',
      ...wrapped(
        `${server}: ${plural(together.length, 'database')} ${is} gone from the server since ` +
          `${moment(since, timeZone)}, and missed: ${fewNames(together.map(nameOf), shown)}`,
        width,
        '',
        '  ',
      ),
      ...wrapped(
        `hint: if that is meant, write exclude: [${fewNames(names, shown)}] at sources.${server}`,
        width,
        '  ',
        '        ',
      ),
      ...(kept.length === 0 ? [] : restored.map((source) => `  run: ${named(`nightjar restore ${word(source)}`)}`)),
    ];
  });
}

function isThere({ source, gone }: Judgement['standing'], server: string): boolean {
  return gone === undefined && source.startsWith(databaseSourceName(server, ''));
}

function nameOf({ standing: { gone, newest } }: Judgement): string {
  return `${oneLine(gone!.database)}${newest === undefined ? ' (no backup)' : ''}`;
}
