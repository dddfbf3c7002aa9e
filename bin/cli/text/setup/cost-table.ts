import type { CostPlan, Estimate } from '../../../../core/domain/cost/cost.ts';
import { pricesAsOf } from '../../../../core/domain/cost/prices.ts';
import { formatBytes, formatCount } from '../../../../core/domain/units.ts';
import { aligned, cut, wrapped } from '../text.ts';

const width = 80;
/** What the other columns leave of 80. */
const longestName = 20;

/** An estimate for people, within 80 columns: the sources, the bill, and what may surprise. */
export function costLines(plan: CostPlan, estimate: Estimate, notes: readonly string[]): string[] {
  return [
    ...wrapped(
      `A month on AWS in ${plan.region}, once retention has filled its places, in US dollars (prices of ` +
        `${pricesAsOf}):`,
      width,
    ),
    '',
    ...sourceTable(plan, estimate),
    '',
    ...billOf(estimate),
    '',
    'What may surprise:',
    ...notes.flatMap((note) => wrapped(note, width, '- ', '  ')),
  ];
}

function sourceTable({ sources }: CostPlan, estimate: Estimate): string[] {
  const head = ['source', 'a month', 'kept', 'deleted', 'each', 'in all', 'storage', 'Lambda'];
  const rows = sources.map(({ source, perMonth, kept, storedBytes }, index) => {
    const { held, gb, storage, runs } = estimate.sources[index]!;
    return [
      cut(source, longestName),
      formatCount(Math.round(perMonth)),
      formatCount(kept),
      formatCount(Math.round(held)),
      formatBytes(storedBytes),
      formatBytes(gb * 2 ** 30),
      money(storage),
      money(runs),
    ];
  });
  return aligned([head, ...rows], [1, 2, 3, 4, 5, 6, 7]);
}

function billOf({ lines, dollars, afterFree }: Estimate): string[] {
  const rows = lines.map(({ item, what, dollars: list, free }) => [item, what, money(list), money(list - free)]);
  return aligned(
    [['item', 'how much', 'list', 'after free tier'], ...rows, ['total', '', money(dollars), money(afterFree)]],
    [2, 3],
  );
}

function money(dollars: number): string {
  return dollars.toFixed(2);
}
