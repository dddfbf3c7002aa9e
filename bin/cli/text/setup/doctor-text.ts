import type { Examined } from '../../../../core/commands/doctor/examine.ts';
import { naming } from '../../../../core/domain/messages/commands.ts';
import { wrapped } from '../text.ts';

const usualWidth = 80;
/** In less space, the result stands below its line. */
const leastWidth = 64;
const outcomes = ['failed', 'warning', 'not tried', 'fine'] as const;

/** What was examined, by subject, each line with its remedy below it, within 80 columns or less. */
export function doctorLines(found: readonly Examined[], named = naming(undefined), columns = usualWidth): string[] {
  const width = Math.min(usualWidth, columns);
  const column = Math.max(...found.map(({ what }) => what.length));
  return [...Map.groupBy(found, ({ about }) => about)].flatMap(([about, all]) => [
    about,
    ...all.filter((one) => !isBlocked(one)).flatMap((one) => linesOf(one, { column, width, named })),
    ...blockedLines(all.filter(isBlocked), width),
    '',
  ]);
}

/** `2 failed, 1 warning, 3 not tried, 14 fine`. */
export function doctorSummary(found: readonly Examined[]): string {
  const counted = outcomes.map((outcome) => ({
    outcome,
    count: found.filter((one) => one.outcome === outcome).length,
  }));
  const words = counted.filter(({ count }) => count > 0);
  return words
    .map(({ outcome, count }) => `${count} ${outcome === 'warning' && count > 1 ? 'warnings' : outcome}`)
    .join(', ');
}

type Layout = { column: number; width: number; named: (text: string) => string };

function linesOf({ what, outcome, said, remedy }: Examined, { column, width, named }: Layout): string[] {
  const isNarrow = width < leastWidth;
  const first = `  ${outcome.padEnd(9)}  ${what.padEnd(column)}  `;
  const later = ' '.repeat(isNarrow ? 4 : first.length);
  return [
    ...(isNarrow ? [first.trimEnd(), ...wrapped(said, width, later)] : wrapped(said, width, first, later)),
    ...(remedy === undefined ? [] : wrapped(named(remedy), width, `${later}remedy: `, `${later}  `)),
  ];
}

function blockedLines(blocked: readonly Examined[], width: number): string[] {
  return [...Map.groupBy(blocked, ({ said }) => said)].flatMap(([said, all]) =>
    wrapped(
      `  not tried  ${all.map(({ what }) => what).join(', ')}: ${said}`,
      width,
      '',
      ' '.repeat(width < leastWidth ? 4 : 13),
    ),
  );
}

function isBlocked(one: Examined): boolean {
  return one.outcome === 'not tried' && one.blocked === true;
}
