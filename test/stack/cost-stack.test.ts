import { expect, test } from '@jest/globals';
import { costPlanOf } from '../../core/contract/cloud/cost-plan.ts';
import { check } from '../../core/commands/check/check.ts';
import { checkConfig } from '../../core/contract/config/config.ts';
import { alarmMetricsOf, customMetrics, dashboardMetricsOf } from '../../core/domain/cost/cost.ts';
import { folderVault } from '../../core/vaults/folder/folder.ts';
import { openStore } from '../../core/store/store.ts';
import { exampleConfig, resourcesOf, synthesise } from './synthesis.ts';
import type { Template } from './synthesis.ts';

test.each([
  ['plain', 'each', []],
  ['private-vpc', 'few', ['offsite']],
] as const)(
  'what the estimate counts of examples/%s.yaml with alarms for %s, copied to %j, is what the template has',
  (name, alarms, copies) => {
    const example = exampleConfig(name);
    const written = {
      ...example,
      vaults: { offsite: 's3://acme-offsite/b' },
      defaults: { ...example.defaults, copies: [...copies] },
      cloud: { ...example.cloud, alarms, signingKey: name === 'plain' },
    };
    const { template } = synthesise(written);
    const read = checkConfig(written);
    if ('problems' in read) throw new Error(JSON.stringify(read.problems));
    const plan = costPlanOf(read.config, new Map(), { region: 'eu-west-1' });

    expect({
      alarmMetrics: alarmMetricsOf(plan),
      dashboardMetrics: dashboardMetricsOf(plan),
      endpoints: plan.endpoints,
      keys: (plan.ownKey ? 1 : 0) + (plan.signingKey ? 1 : 0),
      dashboards: 1,
      memory: plan.sources.flatMap(({ memoryMb }) => [memoryMb, memoryMb]).sort(),
    }).toEqual({
      alarmMetrics: alarmMetricsIn(template),
      dashboardMetrics: dashboardMetricsIn(template),
      endpoints: zonesOfEndpoints(template),
      keys: resourcesOf(template, 'AWS::KMS::Key').length,
      dashboards: resourcesOf(template, 'AWS::CloudWatch::Dashboard').length,
      memory: resourcesOf(template, 'AWS::Lambda::Function')
        .filter(
          ([, { Properties }]) =>
            Properties['Layers'] !== undefined && !String(Properties['FunctionName']).endsWith('-check'),
        )
        .map(([, { Properties }]) => Properties['MemorySize'])
        .sort(),
    });
  },
  120_000,
);

test('a check leaves as many figures as the estimate counts', async () => {
  const figures: Readonly<Record<string, number>>[] = [];
  const vault = folderVault(`${import.meta.dirname}/nothing-here`);

  await check(
    [],
    { whole: false },
    {
      store: openStore(vault),
      clock: { now: () => new Date() },
      notifiers: [],
      meter: (found) => void figures.push(found),
    },
    AbortSignal.timeout(10_000),
  );

  expect(Object.keys(figures[0] ?? {})).toHaveLength(customMetrics);
});

/** CloudWatch bills an alarm for each metric that it looks at, those inside of an expression too. */
function alarmMetricsIn(template: Template): number {
  return resourcesOf(template, 'AWS::CloudWatch::Alarm').reduce(
    (total, [, { Properties }]) =>
      total +
      ((Properties['Metrics'] as { MetricStat?: unknown }[] | undefined)?.filter(
        ({ MetricStat }) => MetricStat !== undefined,
      ).length ?? 1),
    0,
  );
}

function dashboardMetricsIn(template: Template): number {
  const [, dashboard] = resourcesOf(template, 'AWS::CloudWatch::Dashboard')[0]!;
  const joined = dashboard.Properties['DashboardBody'] as { 'Fn::Join': [string, unknown[]] };
  const body = joined['Fn::Join'][1]
    .map((part) => (typeof part === 'string' ? part : JSON.stringify(part).replace(/[^A-Za-z0-9]/g, '')))
    .join('');
  const { widgets } = JSON.parse(body) as { widgets: { properties: { metrics?: unknown[][] } }[] };
  const metrics = widgets
    .flatMap(({ properties }) => properties.metrics ?? [])
    .filter(([first]) => typeof first === 'string')
    .map((metric) => JSON.stringify(metric.filter((part) => typeof part === 'string')));
  return new Set(metrics).size;
}

function zonesOfEndpoints(template: Template): number {
  return resourcesOf(template, 'AWS::EC2::VPCEndpoint')
    .filter(([, { Properties }]) => Properties['VpcEndpointType'] === 'Interface')
    .reduce((total, [, { Properties }]) => total + (Properties['SubnetIds'] as string[]).length, 0);
}
