import type { Invocation } from '../../lambda/sandbox/function.ts';

/** One figure in CloudWatch. */
export type Figure = {
  namespace: string;
  name: string;
  dimensions: Readonly<Record<string, string>>;
  value: number;
  at: Date;
};

type Embedded = {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[];
  };
} & Record<string, unknown>;

/**
 * The figures that CloudWatch makes of a function's log: lines in embedded metric format (CloudWatch User Guide,
 * "Embedded metric format specification").
 */
export function embeddedFigures(lines: readonly string[]): Figure[] {
  return lines
    .filter((line) => line.includes('"_aws"'))
    .flatMap((line) => {
      const {
        _aws: { Timestamp, CloudWatchMetrics },
        ...values
      } = JSON.parse(line) as Embedded;
      return CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
        Dimensions.flatMap((names) =>
          Metrics.map(
            ({ Name }): Figure => ({
              namespace: Namespace,
              name: Name,
              dimensions: Object.fromEntries(names.map((name) => [name, String(values[name])])),
              value: Number(values[Name]),
              at: new Date(Timestamp),
            }),
          ),
        ),
      );
    });
}

/** The figures that Lambda itself puts out for an invocation (Lambda Developer Guide, "Types of metrics"). */
export function lambdaFigures(functionName: string, invocation: Invocation, at: Date): Figure[] {
  const figure = (name: string, value: number): Figure => ({
    namespace: 'AWS/Lambda',
    name,
    dimensions: { FunctionName: functionName },
    value,
    at,
  });
  return [
    figure('Invocations', 1),
    figure('Errors', invocation.status === 'returned' ? 0 : 1),
    figure('Duration', invocation.durationMs),
  ];
}

/** The figure of a queue with this many messages in it. */
export function queueFigure(queueName: string, messages: number, at: Date): Figure {
  return {
    namespace: 'AWS/SQS',
    name: 'ApproximateNumberOfMessagesVisible',
    dimensions: { QueueName: queueName },
    value: messages,
    at,
  };
}
