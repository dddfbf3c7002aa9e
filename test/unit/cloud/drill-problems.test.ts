import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { cloudProblems } from '../../../core/contract/cloud/problems.ts';

const problems = (keys: string) =>
  cloudProblems(
    parseConfig(
      `vault: s3://vault\ncloud: { email: [a@b.example] }\nsources:
  shop: { postgres: { host: db, database: d, user: u, password: { secret: s } }, schedule: "0 2 * * *", ${keys} }`,
      'nightjar.yaml',
    ),
  ).map(({ path, message }) => `${path.join('.')}: ${message}`);
const drill = (server: string) => problems(`drillEvery: 8d, drill: { server: { ${server} } }`);

test('a server for drills has to be one that functions reach and log in to', () => {
  expect(drill('host: scratch, user: u, password: { secret: scratch }')).toEqual([]);
  expect(drill('host: localhost, user: u, password: { env: P }')).toEqual([
    expect.stringMatching(/^sources\.shop\.drill\.server\.host: is the function itself/),
    expect.stringMatching(/^sources\.shop\.drill\.server\.password: a variable is of one machine/),
  ]);
  expect(drill('host: scratch, user: { file: f }, password: iam, tls: { ca: /etc/ca.pem }')).toEqual([
    expect.stringMatching(/^sources\.shop\.drill\.server\.user: a file is of one machine/),
    expect.stringMatching(/^sources\.shop\.drill\.server\.password: can't be iam here/),
    expect.stringMatching(/^sources\.shop\.drill\.server\.tls\.ca: must lie beside the configuration/),
  ]);
  expect(problems('cloud: { drill: "0 9 1 * 1" }')).toEqual([
    expect.stringMatching(/^sources\.shop\.cloud\.drill: AWS/),
  ]);
});

test('where no function drills, the server is the command line’s own affair', () => {
  expect(problems('drill: { server: { host: localhost, user: u, password: { env: P } } }')).toEqual([]);
});
