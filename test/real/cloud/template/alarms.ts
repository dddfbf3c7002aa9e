import type { Figure } from './metrics.ts';

/** An alarm's definition, as CloudFormation has it. */
export type Alarm = {
  AlarmName: string;
  AlarmDescription?: string;
  AlarmActions?: string[];
  OKActions?: string[];
  ComparisonOperator: string;
  Threshold: number;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  TreatMissingData?: string;
} & (Single | { Metrics: Query[] });

type Single = {
  Namespace: string;
  MetricName: string;
  Dimensions?: { Name: string; Value: string }[];
  Statistic: string;
  Period: number;
};
type Query = {
  Id: string;
  Expression?: string;
  ReturnData?: boolean;
  MetricStat?: { Metric: Omit<Single, 'Statistic' | 'Period'>; Period: number; Stat: string };
};

export type State = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

const comparisons: Record<string, (value: number, threshold: number) => boolean> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/**
 * The state of an alarm at the end of a period, by the last periods that it looks at (CloudWatch User Guide, "Alarm
 * evaluation" and "Configuring how alarms treat missing data"). CloudWatch may look further back for figures that came
 * late; this does not.
 */
export function stateOf(alarm: Alarm, figures: readonly Figure[], now: Date, before: State = 'OK'): State {
  const { periodMs, valueAt } = seriesOf(alarm, figures);
  const breaches = comparisons[alarm.ComparisonOperator];
  if (breaches === undefined)
    throw new Error(`${alarm.AlarmName}: the comparison ${alarm.ComparisonOperator} is not known here`);
  const values = Array.from({ length: alarm.EvaluationPeriods }, (_, back) =>
    valueAt(new Date(now.getTime() - (back + 1) * periodMs), new Date(now.getTime() - back * periodMs)),
  );
  const missing = alarm.TreatMissingData ?? 'missing';
  if (values.every((value) => value === undefined) && missing === 'ignore') return before;
  if (values.every((value) => value === undefined) && missing === 'missing') return 'INSUFFICIENT_DATA';
  const breaching = values.filter((value) =>
    value === undefined ? missing === 'breaching' : breaches(value, alarm.Threshold),
  ).length;
  return breaching >= (alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods) ? 'ALARM' : 'OK';
}

type ValueAt = (from: Date, to: Date) => number | undefined;

function seriesOf(alarm: Alarm, figures: readonly Figure[]): { periodMs: number; valueAt: ValueAt } {
  if (!('Metrics' in alarm))
    return { periodMs: alarm.Period * 1000, valueAt: valuesOf(alarm, alarm.Statistic, figures) };
  const named = new Map(
    alarm.Metrics.flatMap(({ Id, MetricStat: stat }) =>
      stat === undefined ? [] : [[Id, valuesOf(stat.Metric, stat.Stat, figures)] as const],
    ),
  );
  const returned = alarm.Metrics.find(({ ReturnData }) => ReturnData !== false);
  const period = alarm.Metrics.find(({ MetricStat }) => MetricStat !== undefined)?.MetricStat?.Period;
  if (returned === undefined || period === undefined) throw new Error(`${alarm.AlarmName} returns nothing`);
  const valueAt = returned.Expression === undefined ? named.get(returned.Id)! : summed(returned.Expression, named);
  return { periodMs: period * 1000, valueAt };
}

/** Metric math, as far as it is used: a sum of metrics, each with zero where it is missing. */
function summed(expression: string, named: ReadonlyMap<string, ValueAt>): ValueAt {
  const terms = expression.split(' + ').map((term) => {
    const [, name = ''] = /^FILL\((\w+), 0\)$/.exec(term) ?? [];
    const valueAt = named.get(name);
    if (valueAt === undefined) throw new Error(`the metric math ${expression} is not known here`);
    return valueAt;
  });
  return (from, to) => terms.reduce((sum, valueAt) => sum + (valueAt(from, to) ?? 0), 0);
}

function valuesOf(
  { Namespace, MetricName, Dimensions = [] }: Pick<Single, 'Namespace' | 'MetricName' | 'Dimensions'>,
  statistic: string,
  figures: readonly Figure[],
): ValueAt {
  // a metric is known by all its dimensions, not by some of them
  const wanted = new Map(Dimensions.map(({ Name, Value }) => [Name, Value]));
  const own = figures.filter(
    ({ namespace, name, dimensions }) =>
      namespace === Namespace &&
      name === MetricName &&
      Object.keys(dimensions).length === wanted.size &&
      Object.entries(dimensions).every(([key, value]) => wanted.get(key) === value),
  );
  return (from, to) => {
    const values = own.filter(({ at }) => at > from && at <= to).map(({ value }) => value);
    if (values.length === 0) return undefined;
    if (statistic === 'Sum') return values.reduce((sum, value) => sum + value, 0);
    if (statistic === 'Maximum') return Math.max(...values);
    if (statistic === 'Minimum') return Math.min(...values);
    throw new Error(`the statistic ${statistic} is not known here`);
  };
}
