import { Duration, Stack } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Color,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  MathExpression,
  Metric,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { WatchedFunction } from './alarms.ts';

export type DashboardProps = {
  readonly stack: string;
  /** Names of the sources. */
  readonly sources: readonly string[];
  readonly checker: IFunction;
  /** Longest time between two scheduled checks, in hours. */
  readonly checkHours: number;
  readonly watched: readonly WatchedFunction[];
  readonly deadLetters: IQueue;
  readonly alarms: readonly Alarm[];
  /** Logs of the functions that run by schedule. */
  readonly logGroupNames: readonly string[];
};

const whole = 24;
const half = 12;
/** Log groups in one query (CloudWatch Logs quotas), and alarms in one widget. */
const mostLogs = 50;
const mostAlarms = 100;
const hour = Duration.hours(1);

/** An overview for people: is everything fresh, what alarms, what ran last, how long do runs take, what has failed. */
export class BackupDashboard extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { stack, sources, checker, checkHours, watched, deadLetters, alarms, logGroupNames }: DashboardProps,
  ) {
    super(scope, id);
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      // a dashboard's name is unique in an account, across all regions
      dashboardName: `${stack}-${Stack.of(this).region}`,
      defaultInterval: Duration.days(7),
    });
    const figure = (metricName: string, label: string, color: string): Metric =>
      new Metric({
        namespace: 'Nightjar',
        metricName,
        label,
        color,
        dimensionsMap: { FunctionName: checker.functionName },
        statistic: 'Maximum',
        period: Duration.hours(checkHours),
      });
    dashboard.addWidgets(
      new TextWidget({
        width: whole,
        height: 2,
        markdown:
          `# ${stack}\nBacked up: ${sources.slice(0, mostAlarms).join(', ')}. Each alarm names its section of ` +
          'docs/runbook.md: what it means, and what to do.',
      }),
    );
    dashboard.addWidgets(
      new SingleValueWidget({
        title: 'Sources, as the last check found them',
        width: half,
        height: 5,
        metrics: [
          figure('Fresh', 'fresh', Color.GREEN),
          figure('Stale', 'stale', Color.RED),
          figure('Never', 'never backed up', Color.RED),
          figure('Unknown', 'unknown', Color.ORANGE),
          figure('Shrunk', 'shrunk', Color.ORANGE),
        ],
      }),
      new AlarmStatusWidget({ title: 'Alarms', width: half, height: 5, alarms: alarms.slice(0, mostAlarms) }),
    );
    dashboard.addWidgets(
      new LogQueryWidget({
        title: 'Last runs',
        width: whole,
        height: 8,
        view: LogQueryVisualizationType.TABLE,
        logGroupNames: logGroupNames.slice(0, mostLogs),
        queryLines: lastRuns,
      }),
    );
    dashboard.addWidgets(
      new GraphWidget({
        title: 'How long runs take, in percent of their limit',
        width: half,
        height: 8,
        leftYAxis: { min: 0, max: 100, showUnits: false },
        left: watched.map(shareOfLimit),
      }),
      new GraphWidget({
        title: 'Runs that failed, and dead letters',
        width: half,
        height: 8,
        left: [
          ...watched.map(({ fn, label }) => fn.metricErrors({ label, period: hour, statistic: 'Sum' })),
          deadLetters.metricApproximateNumberOfMessagesVisible({
            label: 'dead letters',
            period: hour,
            statistic: 'Maximum',
          }),
        ],
      }),
    );
  }
}

/** Every run logs one line at its end (functions/host/host.ts). */
const lastRuns = [
  'fields @timestamp, verb, source, message, result.status, result.id, result.rows, result.storedBytes, ' +
    'result.seconds, code, error',
  'filter message in ["end", "failed"]',
  'sort @timestamp desc',
  'limit 50',
];

function shareOfLimit({ fn, label, timeoutSeconds }: WatchedFunction, index: number): MathExpression {
  return new MathExpression({
    expression: `d${index} / ${timeoutSeconds * 10}`,
    usingMetrics: { [`d${index}`]: fn.metricDuration({ statistic: 'Maximum' }) },
    label,
    period: hour,
  });
}
