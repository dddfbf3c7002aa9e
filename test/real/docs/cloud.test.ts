import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { costLines } from '../../../bin/cli/text/setup/cost-table.ts';
import { costPlanOf, regionOf } from '../../../core/contract/cloud/cost-plan.ts';
import { checkConfig } from '../../../core/contract/config/config.ts';
import type { Config } from '../../../core/contract/config/config.ts';
import { cloudProblems } from '../../../core/contract/cloud/problems.ts';
import { checkEventSchema } from '../../../core/contract/events/check.ts';
import {
  backupEventSchema,
  restoreEventSchema,
  restoreResultSchema,
  rotateEventSchema,
} from '../../../core/contract/events/requests.ts';
import { estimateCost } from '../../../core/domain/cost/cost.ts';
import { costNotes } from '../../../core/domain/cost/notes.ts';
import type { WrittenConfig } from '../../../lib/read-config.ts';
import { exampleConfig, resourcesOf, synthesise } from '../../stack/synthesis.ts';

const read = (name: string) => readFile(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const page = await read('cloud.md');
const runbook = await read('runbook.md');
const blocks = [...page.matchAll(/^```(\w*) ?(\w*)\n(.*?)^```/gms)].map(([, language = '', kind = '', text = '']) => ({
  language,
  kind,
  text,
}));
const sections = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(' ', '-')
      .replace(/[^a-z0-9_-]/g, ''),
  );

/** A block that shows only some keys goes over the first one, which is whole. */
const configs = blocks
  .filter(({ language }) => language === 'yaml')
  .map(({ text }, index, all) => ({
    index,
    document: { ...(parse(all[0]!.text) as object), ...(parse(text) as object) },
  }));
const first = configs[0]!.document as WrittenConfig;

function configOf(document: object): Config {
  const result = checkConfig(document);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

test.each(configs)('configuration $index of docs/cloud.md can be deployed as it stands', ({ document }) => {
  expect(cloudProblems(configOf(document))).toEqual([]);
});

test.each(blocks.filter(({ language }) => language === 'json'))(
  'the $kind in docs/cloud.md is what its schema takes: $text',
  ({ kind, text }) => {
    const schemas = {
      restore: restoreEventSchema,
      restored: restoreResultSchema,
      backup: backupEventSchema,
      rotate: rotateEventSchema,
      check: checkEventSchema,
    };
    const document: unknown = JSON.parse(text);

    if (kind === 'policy') expect(document).toMatchObject({ Version: '2012-10-17', Statement: expect.any(Array) });
    else expect(schemas[kind as keyof typeof schemas].safeParse(document).error).toBeUndefined();
  },
);

const { template } = synthesise(first);

test('functions, alarms, queues and outputs that the pages name are those of the template', () => {
  const named = (type: string, key: string) =>
    resourcesOf(template, type).map(([, { Properties }]) => String(Properties[key]));
  const { template: byTag } = synthesise(exampleConfig('by-tag'));
  const ofByTag = [
    ...resourcesOf(byTag, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties['FunctionName']),
    ...resourcesOf(byTag, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties['AlarmName']),
  ].map((name) => String(name).replace(/^ByTag-/, 'Nightjar-'));
  const made = [
    ...ofByTag,
    ...named('AWS::Lambda::Function', 'FunctionName'),
    ...named('AWS::CloudWatch::Alarm', 'AlarmName'),
    ...named('AWS::SQS::Queue', 'QueueName'),
    ...named('AWS::SNS::Topic', 'TopicName'),
  ];
  const said = [...`${page}${runbook}`.matchAll(/\bNightjar-[a-z-]+[a-z]/g)].map(([name]) => name);

  expect(said.length).toBeGreaterThan(20);
  expect(said.filter((name) => !made.includes(name) && !/^Nightjar-backup$/.test(name))).toEqual([]);
  const outputs = [...`${page}${runbook}`.matchAll(/\boutput `?(?:Backups)?([A-Z]\w+)/g)].map(([, name = '']) => name);
  expect(outputs.length).toBeGreaterThan(2);
  expect(
    outputs.filter((name) => !Object.keys(template.Outputs ?? {}).some((output) => output.includes(name))),
  ).toEqual([]);
});

test('each alarm’s description leads to a section of the runbook', () => {
  const anchors = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(
    ([, { Properties }]) => /docs\/runbook\.md#([a-z-]+)/.exec(String(Properties['AlarmDescription']))?.[1],
  );

  expect(new Set(anchors)).toEqual(
    new Set([
      'stale',
      'never',
      'checker-silent',
      'dead-letters',
      'failed',
      'rotation-failed',
      'check-failed',
      'duration',
      'throttled',
    ]),
  );
  expect(anchors.filter((anchor) => !sections(runbook).includes(anchor ?? ''))).toEqual([]);
});

test('links of both pages lead somewhere', async () => {
  const texts: Record<string, string> = {
    '': page,
    'runbook.md': runbook,
    'configuration.md': await read('configuration.md'),
    'vault-trust.md': await read('vault-trust.md'),
    'copies.md': await read('copies.md'),
    'files.md': await read('files.md'),
    'signing.md': await read('signing.md'),
  };
  const lost = [...page.matchAll(/\]\(([\w./-]*)#([\w-]+)\)/g)]
    .filter(([, file = '', anchor = '']) => texts[file] === undefined || !sections(texts[file]).includes(anchor))
    .map(([link]) => link);
  const lostInRunbook = [...runbook.matchAll(/\]\(#([\w-]+)\)/g)]
    .filter(([, anchor = '']) => !sections(runbook).includes(anchor))
    .map(([link]) => link);

  expect([...lost, ...lostInRunbook]).toEqual([]);
});

test('the rights for CloudFormation cover every kind of thing that a stack is made of', () => {
  const policy = blocks.filter(({ kind }) => kind === 'policy').at(-1)!.text;
  const types = Object.values(synthesise(exampleConfig('private-vpc')).template.Resources).map(({ Type }) => Type);
  const services = [...new Set(types.map((type) => type.split('::')[1]!.toLowerCase()))];

  expect(services.length).toBeGreaterThan(9);
  expect(services.filter((service) => !policy.includes(`"${service}:`))).toEqual([]);
}, 120_000);

test('the estimate on the page is what nightjar cost prints for its first configuration', () => {
  const config = configOf(first);
  const plan = costPlanOf(config, new Map(), { region: regionOf(config, {}) });
  const estimate = estimateCost(plan);

  expect(page).toContain(
    `$ nightjar cost --no-vault\n${costLines(plan, estimate, costNotes(plan, estimate)).join('\n')}\n`,
  );
});
