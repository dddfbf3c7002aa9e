import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { cloudProblems } from '../../../core/contract/cloud/problems.ts';

test('a file of one machine is refused for the cloud, with what to do', () => {
  const config = parseConfig(
    `vault: s3://vault\ncloud: { email: [a@b.example] }\nsources:\n  app: { sqlite: { path: ./app.db }, schedule: "0 2 * * *" }`,
    'nightjar.yaml',
  );

  expect(cloudProblems(config).map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([
    'sources.app.sqlite: is a file of one machine, which functions on AWS can’t reach: back it up from there',
  ]);
});
