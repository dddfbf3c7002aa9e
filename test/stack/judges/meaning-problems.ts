import { CronExpressionParser } from 'cron-parser';
import { readable } from './readable.ts';
import type { Template } from '../synthesis.ts';

type Properties = Record<string, any>;
const protocols = ['email', 'email-json', 'http', 'https', 'sms', 'sqs', 'lambda', 'firehose', 'application'];
const hourSeconds = 3_600;
const longestLook = { short: 86_400, long: 604_800 };

/** What no specification says and AWS refuses all the same, or would understand otherwise than it was meant. */
export function meaningProblems(template: Template): string[] {
  return Object.entries(template.Resources).flatMap(([id, { Type, Properties: properties }]) => {
    const check = checks[Type];
    return check === undefined
      ? []
      : check(readable(properties, template) as Properties).map((problem) => `${id}: ${problem}`);
  });
}

const checks: Record<string, (properties: Properties) => string[]> = {
  'AWS::Scheduler::Schedule': ({ ScheduleExpression, ScheduleExpressionTimezone, FlexibleTimeWindow, Target }) => [
    ...cronProblems(String(ScheduleExpression)),
    ...unless(isZone(String(ScheduleExpressionTimezone)), `there is no time zone ${ScheduleExpressionTimezone}`),
    ...unless(
      FlexibleTimeWindow.Mode === 'OFF' ||
        (FlexibleTimeWindow.MaximumWindowInMinutes >= 1 && FlexibleTimeWindow.MaximumWindowInMinutes <= 1440),
      'a flexible window has 1 to 1440 minutes',
    ),
    ...unless(isJson(String(Target.Input)), 'the event is no JSON'),
    ...unless(
      Target.DeadLetterConfig !== undefined && Target.RetryPolicy !== undefined,
      'nobody would learn of a schedule that could not start its function',
    ),
  ],
  'AWS::SNS::Subscription': ({ Protocol, Endpoint }) => [
    ...unless(protocols.includes(Protocol), `there is no protocol ${Protocol}`),
    ...unless(
      !String(Protocol).startsWith('email') || String(Endpoint).includes('@'),
      `${Endpoint} is no address of mail`,
    ),
  ],
  'AWS::CloudWatch::Dashboard': ({ DashboardBody }) => [
    ...unless(isJson(String(DashboardBody)), 'the dashboard is no JSON'),
    ...unless(
      (JSON.parse(String(DashboardBody).replace(/\{(region|account)\}/g, 'x')).widgets ?? []).length > 0,
      'the dashboard shows nothing',
    ),
  ],
  'AWS::CloudWatch::Alarm': ({
    AlarmName,
    AlarmDescription,
    AlarmActions = [],
    Period,
    EvaluationPeriods,
    Metrics = [],
    TreatMissingData,
  }) => {
    const seconds = Period ?? Math.max(...(Metrics as Properties[]).map((one) => one['MetricStat']?.Period ?? 0));
    return [
      ...unless(
        AlarmName !== undefined && /docs\/runbook\.md#[a-z-]+$/.test(AlarmDescription ?? ''),
        'an alarm has a name, and names its section of the runbook',
      ),
      ...unless(AlarmActions.length > 0, 'nobody hears the alarm'),
      ...unless(TreatMissingData !== undefined, 'it is not said what missing data mean'),
      ...unless(
        seconds % 60 === 0 &&
          seconds * EvaluationPeriods <= (seconds >= hourSeconds ? longestLook.long : longestLook.short),
        `${EvaluationPeriods} periods of ${seconds} s are more than an alarm looks back`,
      ),
      ...unless(
        Metrics.filter((one: Properties) => one['MetricStat'] !== undefined).length <= 10,
        'an alarm takes ten metrics',
      ),
    ];
  },
  'AWS::Lambda::Function': ({ Timeout, MemorySize, Environment, FunctionName, Description = '' }) => [
    ...unless(Timeout >= 1 && Timeout <= 900, `${Timeout} s are none of 1 to 900`),
    ...unless(MemorySize >= 128 && MemorySize <= 10_240, `${MemorySize} MB are none of 128 to 10240`),
    ...unless(JSON.stringify(Environment?.Variables ?? {}).length < 4_096, 'the variables are larger than 4 KB'),
    ...unless(/^[\w-]{1,64}$/.test(FunctionName), `${FunctionName} can't be the name of a function`),
    ...unless(String(Description).length <= 256, 'the description is longer than 256 characters'),
  ],
  'AWS::IAM::Role': ({ Description = '' }) =>
    unless(
      /^[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*$/.test(Description),
      'the description has characters that IAM refuses',
    ),
  'AWS::EC2::SecurityGroupIngress': ({ Description = '' }) =>
    unless(
      /^[a-zA-Z0-9. _:/()#,@[\]+=&;{}!$*-]{0,255}$/.test(Description),
      'the description has characters that EC2 refuses',
    ),
};

/** Six fields, exactly one of the two days `?`, and a moment that comes. */
function cronProblems(expression: string): string[] {
  const [, fields = ''] = /^cron\((.*)\)$/.exec(expression) ?? [];
  const [minute, hour, day, month, weekday, year, ...more] = fields.split(' ');
  if (year === undefined || more.length > 0) return [`${expression} has not six fields`];
  if ((day === '?') === (weekday === '?')) return [`${expression}: exactly one of day and weekday is ?`];
  const numbers = String(weekday).replace(/\b[1-7]\b(?!#)/g, (one) => String(Number(one) - 1));
  try {
    CronExpressionParser.parse(
      `${minute} ${hour} ${day === '?' ? '*' : day} ${month} ${weekday === '?' ? '*' : numbers}`,
      { tz: 'UTC' },
    ).next();
    return [];
  } catch (error) {
    return [`${expression}: ${String(error)}`];
  }
}

function unless(fits: boolean, problem: string): string[] {
  return fits ? [] : [problem];
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text.replace(/\{(region|account)\}/g, 'x'));
    return true;
  } catch {
    return false;
  }
}
