import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { cloudProblems } from '../../../core/contract/cloud/problems.ts';

const efs = 'efs: arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0';
const problems = (files: string, keys = '') =>
  cloudProblems(
    parseConfig(
      `vault: s3://vault\ncloud: { email: [a@b.example], networks: { main: { vpc: vpc-1, subnets: [subnet-1] } } }
sources: { media: { files: { ${files} }, schedule: "0 2 * * *"${keys} } }`,
      'nightjar.yaml',
    ),
  ).map(({ path, message }) => `${path.join('.')} ${message}`);
const inNetwork = ', cloud: { network: main }';

test('a folder is of one machine, and refused on AWS', () => {
  expect(problems('path: ./media')).toEqual([
    expect.stringMatching(
      /^sources\.media\.files is a folder of one machine, which functions on AWS do not see.*: efs$/,
    ),
  ]);
});

test('one on Amazon EFS lies in a folder below its mount, is reached within a network, and belongs to nobody anew', () => {
  expect(problems(`path: /mnt/media/uploads, ${efs}`, inNetwork)).toEqual([]);
  expect(
    problems(`path: /mnt/media/uploads, ${efs}`, `, drillEvery: 8d, drill: { owners: false }${inNetwork}`),
  ).toEqual([]);
  expect(problems(`path: /mnt/media/uploads, ${efs}`, ', drillEvery: 8d')).toEqual([
    expect.stringMatching(/^sources\.media\.cloud\.network is missing/),
    expect.stringMatching(/^sources\.media\.drill\.owners is true: .*drill: { owners: false }/),
  ]);
});

test.each(['./media', '/mnt', '/mnt/media', '/mnt/media/', '/srv/media/uploads', '/mnt/media/..', '/mnt/a b/uploads'])(
  'of %s nothing could be mounted, or nothing be restored beside it',
  (path) => {
    expect(problems(`path: "${path}", ${efs}`, inNetwork)).toEqual([
      expect.stringMatching(/^sources\.media\.files\.path is .*write a folder in it, as \/mnt\/media\/uploads$/),
    ]);
  },
);

test('what is no access point is refused when the file is read', () => {
  expect(() => problems('path: /mnt/media/uploads, efs: fs-0123')).toThrow('the ARN of an access point of Amazon EFS');
});
