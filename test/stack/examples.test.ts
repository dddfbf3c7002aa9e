import { expect, test } from '@jest/globals';
import { Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { schedulesMeant } from '../../lib/plan/names.ts';
import { deployable } from '../../lib/read-config.ts';
import { expectGolden } from '../support/golden.ts';
import { policiesOf } from './judges/policies.ts';
import { goldenText } from './judges/golden-text.ts';
import { mistakes } from './refused/mistakes.ts';
import { exampleConfig, examples, exampleStack, resourcesOf, stackOf, synthesise } from './synthesis.ts';
import type { Template } from './synthesis.ts';
import { quickProblems, templateProblems } from './judges/template-problems.ts';

test.each(examples)(
  'the stack of examples/%s.yaml is as it was agreed in what matters, and neither AWS’s specification nor ' +
    'cdk-nag has anything against it',
  async (name) => {
    const { template } = exampleStack(name);

    expect(await templateProblems(template)).toEqual([]);
    await expectGolden(`infra/${name}.txt`, goldenText(template));
  },
);

test('the same configuration makes the same template', () => {
  expect(synthesise(exampleConfig('plain')).template).toEqual(exampleStack('plain').template);
});

test('the check looks for exactly those schedules that a deployment makes', () => {
  const config = { ...exampleConfig('twenty-databases') };
  config.cloud = { ...config.cloud, digest: '0 8 * * 1', stacks: 2 };
  config.vaults = { offsite: 's3://acme-offsite/x' };
  config.defaults = { ...config.defaults, copies: ['offsite'] };
  const [first = '', second = '', ...others] = Object.keys(config.sources);
  config.sources = { [first]: { ...config.sources[first], drillEvery: '8d' }, [second]: config.sources[second]! };
  const { app } = stackOf(config);

  const templates = app.synth().stacks.map(({ template }) => template as Template);
  const made = templates.flatMap((one) => resourcesOf(one, 'AWS::Scheduler::Schedule'));
  const { sources } = deployable(config);
  const check = policiesOf(templates[0]!).find(({ of, kind }) => of.endsWith('-check') && kind === 'identity');

  expect(others.length).toBeGreaterThan(0);
  expect(made.map(([, { Properties }]) => Properties['Name']).sort()).toEqual(
    schedulesMeant([...sources], { digest: true }).sort(),
  );
  // a digest names databases that are in no source
  expect(JSON.stringify(check)).toContain('rds:DescribeDBInstances');
}, 120_000);

test('each of a list of mistakes is found', async () => {
  const { template } = exampleStack('plain');
  const missed: string[] = [];

  for (const [what, spoil, words] of mistakes) {
    const spoilt = structuredClone(template);
    spoil(spoilt);
    const found = (problems: string[]): boolean => problems.some((problem) => words.test(problem));
    if (found(await quickProblems(spoilt))) continue;
    const problems = await templateProblems(spoilt);
    if (!found(problems)) missed.push(`${what}: ${problems.join('; ') || 'nothing found'}`);
  }

  expect(missed).toEqual([]);
}, 300_000);

test('cdk-nag still finds what nobody has answered', () => {
  const { app, stack } = stackOf(exampleConfig('plain'));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  stack.backups.rotate.role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] }));

  expect(() => app.synth()).toThrow(/IAM5/);
}, 120_000);
