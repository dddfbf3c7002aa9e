import { Duration } from 'aws-cdk-lib';
import { AlarmStatusWidget, Color, Dashboard as CloudWatchDashboard, GraphWidget, MathExpression, Metric, SingleValueWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Watched } from './alarms.ts';

export type DashboardProps = {
  readonly stack: string;
  readonly checker: IFunction;
  readonly watched: readonly Watched[];
  readonly deadLetters: IQueue;
  readonly alarms: readonly Alarm[];
};

const whole = 24;

/** What a person looks at: is everything fresh, what rings, how long do runs take, what has failed. */
export class BackupDashboard extends Construct {
  constructor(scope: Construct, id: string, { stack, checker, watched, deadLetters, alarms }: DashboardProps) {
    super(scope, id);
    const figure = (metricName: string, color: string): Metric => new Metric({ namespace: 'Nightjar', metricName, dimensionsMap: { FunctionName: checker.functionName }, statistic: 'Maximum', period: Duration.hours(1), label: metricName, color });
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', { dashboardName: stack, defaultInterval: Duration.days(7) });
    dashboard.addWidgets(new TextWidget({ width: whole, height: 2, markdown: `# ${stack}\n${watched.map(({ label }) => label).slice(0, 40).join(' · ')} — what each alarm means and what to do: docs/runbook.md` }));
    dashboard.addWidgets(
      new SingleValueWidget({ title: 'Sources, as of the last check', width: 12, height: 4, metrics: [figure('Fresh', Color.GREEN), figure('Stale', Color.RED), figure('Never', Color.RED), figure('Unknown', Color.ORANGE)] }),
      new AlarmStatusWidget({ title: 'Alarms', width: 12, height: 4, alarms: [...alarms].slice(0, 100) }),
    );
    dashboard.addWidgets(
      new GraphWidget({ title: 'How long runs take, in % of their limit', width: 12, height: 8, leftYAxis: { min: 0, max: 100, showUnits: false }, left: watched.map(({ fn, label, timeoutSeconds }) => shareOfLimit(fn, label, timeoutSeconds)) }),
      new GraphWidget({ title: 'Runs that failed, and dead letters', width: 12, height: 8, left: [...watched.map(({ fn, label }) => fn.metricErrors({ label, period: Duration.hours(1), statistic: 'Sum' })), deadLetters.metricApproximateNumberOfMessagesVisible({ label: 'dead letters', statistic: 'Maximum' })] }),
    );
  }
}

function shareOfLimit(fn: IFunction, label: string, timeoutSeconds: number): MathExpression {
  const name = `d${fn.node.addr.slice(0, 12)}`;
  return new MathExpression({ expression: `${name} / ${timeoutSeconds * 10}`, usingMetrics: { [name]: fn.metricDuration({ statistic: 'Maximum' }) }, label, period: Duration.hours(1) });
}
