import { expect, test } from '@jest/globals';
import { expectGolden } from '../support/golden.ts';
import { goldenText } from './golden-text.ts';
import { exampleConfig, examples, synthesise } from './synthesis.ts';
import { templateProblems } from './template-problems.ts';

test.each(examples)('the stack of examples/%s.yaml is as it was agreed in what matters, and neither AWS’s specification nor cdk-nag has anything against it', async (name) => {
  const { template } = synthesise(exampleConfig(name));

  expect(await templateProblems(template)).toEqual([]);
  await expectGolden(`infra/${name}.txt`, goldenText(template));
}, 180_000);

test('the same configuration makes the same template', () => {
  const [first, second] = [synthesise(exampleConfig('public-rds-iam')), synthesise(exampleConfig('public-rds-iam'))];

  expect(second.template).toEqual(first.template);
}, 180_000);
