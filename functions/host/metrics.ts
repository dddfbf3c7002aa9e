import type { Meter } from '../../core/ports.ts';

type MetricsPlace = { functionName: string; now: () => Date; write: (line: string) => void };

/**
 * Figures as CloudWatch takes them from a function's log: one line of embedded metric format, every figure a count, of
 * this function.
 */
export function cloudWatchMeter({ functionName, now, write }: MetricsPlace): Meter {
  return (figures) => {
    const metrics = Object.keys(figures).map((name) => ({ Name: name, Unit: 'Count' }));
    const how = {
      Timestamp: now().getTime(),
      CloudWatchMetrics: [{ Namespace: 'Nightjar', Dimensions: [['FunctionName']], Metrics: metrics }],
    };
    write(`${JSON.stringify({ _aws: how, FunctionName: functionName, ...figures })}\n`);
  };
}
