import { expect, test } from '@jest/globals';
import { exampleConfig, resourcesOf, stackOf } from './synthesis.ts';
import type { Template } from './synthesis.ts';

test('functions of an image may read the secret of its login, and there is none for drills', () => {
  const { app, stack } = stackOf({
    ...exampleConfig('plain'),
    sources: {
      app: {
        image: {
          ref: 'registry.acme.example/shop/app:1.2',
          username: { secret: 'acme-registry', field: 'user' },
          password: { secret: 'acme-registry', field: 'token' },
        },
      },
    },
    cloud: { region: 'eu-west-1', email: ['ops@acme.example'] },
  });
  const template = app.synth().getStackByName(stack.stackName).template as Template;

  const names = resourcesOf(template, 'AWS::Lambda::Function').map(([, { Properties }]) =>
    String(Properties['FunctionName']),
  );
  const reading = resourcesOf(template, 'AWS::IAM::Role').flatMap(([, { Properties }]) =>
    JSON.stringify(Properties['Policies']).includes('acme-registry')
      ? [String(Properties['Description']).split(' ')[1]]
      : [],
  );

  expect(names.filter((name) => name.endsWith('-app')).map((name) => name.split('-')[1])).toEqual([
    'backup',
    'restore',
  ]);
  expect(reading.map((name) => name!.split('-')[1]).toSorted()).toEqual(['backup', 'restore']);
});
