import type { Meter } from '../../core/ports.ts';

type MetricsPlace = { functionName: string; now: () => Date; write: (line: string) => void };

/** Writes figures to the function's log in CloudWatch's embedded metric format: one line, every figure a count. */
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
