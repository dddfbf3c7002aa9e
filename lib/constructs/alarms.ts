import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, MathExpression, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Function as LambdaFunction, IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** A function, its purpose, the name of its alarms, and how long it may run. */
export type WatchedFunction = {
  readonly label: string;
  readonly name: (what: string) => string /** Its section of the runbook when it fails. */;
  readonly failed: string;
  readonly fn: LambdaFunction;
  readonly timeoutSeconds: number;
  /** What one run does not finish, the next one does: using all its time is no reason for an alarm. */
  readonly goesOn?: boolean;
};

/** What applies to all sources together. */
type Whole = {
  readonly deadLetters: IQueue;
  readonly checker: IFunction;
  /** Longest time between two scheduled checks, in hours. */
  readonly checkHours: number;
};

export type AlarmsProps = {
  readonly stack: string;
  readonly topic: ITopic;
  /** What is watched once for all. @default - only the functions */
  readonly whole?: Whole | undefined;
  /** Where people read the runbook. */
  readonly runbook: string;
  /** Functions that run by schedule. */
  readonly watched: readonly WatchedFunction[];
};

type Rule = {
  readonly name: string;
  readonly section: string;
  readonly what: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly below?: boolean;
  readonly periods?: number;
  /** In how many of the periods the condition must hold. @default - all of them */
  readonly ofPeriods?: number;
  readonly missing: TreatMissingData /** Whether its end is worth a message: a state is over, a failure that has happened is not. */;
  readonly ends?: boolean;
};

/** CloudWatch API reference, PutMetricAlarm. */
const longestPeriodHours = 24;
/** How many checks are missed before the checker counts as silent; fewer where checks are rare. */
const missedChecks = { often: 3, rare: 2, rareHours: 6 };
/** An alarm's expression may have ten metrics (CloudWatch, using metric math). */
const mostMetrics = 10;
/** The share of its time limit from which a run counts as near it. */
const nearLimit = 0.8;

/**
 * Lambda dates its metrics to the start of a run and emits them at its end (Lambda Developer Guide, function metrics):
 * an alarm looks back over the longest run, the minutes until CloudWatch has them, and a period that has just begun.
 */
const periodSeconds = 300;
const latePeriods = 3;

/** Every alarm that wakes somebody; each says what it means and links its section of the runbook. */
export class Alarms extends Construct {
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, { stack, topic, whole, runbook, watched }: AlarmsProps) {
    super(scope, id);
    const rules = [
      ...(whole === undefined ? [] : rulesOfWhole(whole)),
      ...watched.flatMap((one) => rulesOf(one)),
      ...throttled(watched),
    ];
    this.all = rules.map((rule) => alarmOf(this, { stack, topic, runbook }, rule));
  }
}

function rulesOfWhole({ deadLetters, checker, checkHours }: Whole): Rule[] {
  const check = Duration.hours(Math.min(checkHours, longestPeriodHours));
  const figure = (metricName: string, statistic: string): Metric =>
    new Metric({
      namespace: 'Nightjar',
      metricName,
      dimensionsMap: { FunctionName: checker.functionName },
      statistic,
      period: check,
    });
  return [
    {
      name: 'stale',
      section: 'stale',
      what: 'The newest backup of a source is older than its limit.',
      metric: figure('Stale', 'Maximum'),
      threshold: 1,
      missing: TreatMissingData.IGNORE,
      ends: true,
    },
    {
      name: 'never',
      section: 'never',
      what: 'A source has never had a complete backup.',
      metric: figure('Never', 'Maximum'),
      threshold: 1,
      missing: TreatMissingData.IGNORE,
      ends: true,
    },
    {
      name: 'checker-silent',
      section: 'checker-silent',
      what: 'Nobody looks whether backups are fresh: no check has ended well.',
      metric: figure('Checks', 'Sum'),
      threshold: 1,
      below: true,
      periods: checkHours > missedChecks.rareHours ? missedChecks.rare : missedChecks.often,
      missing: TreatMissingData.BREACHING,
      ends: true,
    },
    {
      name: 'dead-letters',
      section: 'dead-letters',
      what: 'A run was given up in spite of all retries; its event lies in the dead-letter queue.',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(5),
        statistic: 'Maximum',
      }),
      threshold: 1,
      missing: TreatMissingData.NOT_BREACHING,
      ends: true,
    },
  ];
}

function rulesOf({ label, name, failed, fn, timeoutSeconds, goesOn = false }: WatchedFunction): Rule[] {
  const period = Duration.seconds(periodSeconds);
  const look = { periods: Math.ceil(timeoutSeconds / periodSeconds) + latePeriods, ofPeriods: 1 };
  const rules = [
    {
      name: name('failed'),
      section: failed,
      what: `${label} failed.`,
      metric: fn.metricErrors({ period, statistic: 'Sum' }),
      threshold: 1,
      missing: TreatMissingData.NOT_BREACHING,
      ...look,
    },
    {
      name: name('duration'),
      section: 'duration',
      what:
        `${label} took over ${nearLimit * 100} % of the ${timeoutSeconds} s that it may take: soon it will be cut ` +
        'off.',
      metric: fn.metricDuration({ period, statistic: 'Maximum' }),
      threshold: timeoutSeconds * 1000 * nearLimit,
      missing: TreatMissingData.NOT_BREACHING,
      ...look,
    },
  ];
  return rules.filter(({ section }) => !(goesOn && section === 'duration'));
}

function throttled(watched: readonly WatchedFunction[]): Rule[] {
  const groups = Array.from({ length: Math.ceil(watched.length / mostMetrics) }, (_, index) =>
    watched.slice(index * mostMetrics, (index + 1) * mostMetrics),
  );
  return groups.map((group, index) => {
    const usingMetrics = Object.fromEntries(
      group.map(({ fn }, at) => [`m${at}`, fn.metricThrottles({ statistic: 'Sum' })]),
    );
    return {
      name: index === 0 ? 'throttled' : `throttled-${index + 1}`,
      section: 'throttled',
      what: `Lambda had no room for a run: ${group.map(({ label }) => label).join(', ')}.`.slice(0, 900),
      metric: new MathExpression({
        expression: Object.keys(usingMetrics)
          .map((name) => `FILL(${name}, 0)`)
          .join(' + '),
        usingMetrics,
        period: Duration.minutes(5),
        label: 'Throttled',
      }),
      threshold: 1,
      missing: TreatMissingData.NOT_BREACHING,
    };
  });
}

function alarmOf(
  scope: Construct,
  { stack, topic, runbook }: Pick<AlarmsProps, 'stack' | 'topic' | 'runbook'>,
  { name, section, what, metric, threshold, below = false, periods = 1, ofPeriods, missing, ends = false }: Rule,
): Alarm {
  const alarm = new Alarm(scope, name, {
    alarmName: `${stack}-${name}`,
    alarmDescription: `${what} What to do: ${runbook}#${section}`,
    metric,
    threshold,
    evaluationPeriods: periods,
    ...(ofPeriods !== undefined && { datapointsToAlarm: ofPeriods }),
    comparisonOperator: below
      ? ComparisonOperator.LESS_THAN_THRESHOLD
      : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: missing,
  });
  const action = new SnsAction(topic);
  alarm.addAlarmAction(action);
  if (ends) alarm.addOkAction(action);
  return alarm;
}
