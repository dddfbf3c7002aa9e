import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { cloudProblems } from '../../../core/contract/cloud/problems.ts';

function problemsOf(image: string, others = ''): string[] {
  const config = parseConfig(
    `vault: s3://vault\ncloud: { email: [a@b.example] }\nsources:\n  app: { image: ${image}, schedule: "0 2 * * *"${others} }`,
    'nightjar.yaml',
  );
  return cloudProblems(config).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('an image with its login in Secrets Manager can be backed up by functions', () => {
  const login = 'username: { secret: registry, field: user }, password: { secret: registry, field: token }';

  expect(problemsOf(`{ ref: registry.example.com/shop/app:1.2, ${login} }`)).toEqual([]);
});

test.each([
  [
    '{ ref: "localhost:5000/app:1" }',
    '',
    ['sources.app.image.ref: is on the function itself: write a name that functions reach'],
  ],
  [
    '{ ref: registry.example.com/app:1, username: a, password: { env: B } }',
    '',
    [expect.stringContaining('sources.app.image.password: a variable is of one machine')],
  ],
  [
    '{ ref: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1", username: AWS, password: { secret: b } }',
    '',
    [expect.stringContaining('sources.app.image.ref: is Amazon ECR, whose passwords are good for 12 hours')],
  ],
  [
    '{ ref: registry.example.com/app:1, tls: { ca: /etc/ca.pem } }',
    '',
    [expect.stringContaining('image.tls.ca: must lie beside')],
  ],
  [
    '{ ref: registry.example.com/app:1 }',
    ', drillEvery: 8d',
    [expect.stringContaining('is not possible for an image')],
  ],
])('%s%s is refused for the cloud', (image, others, problems) => {
  expect(problemsOf(image, others)).toEqual(problems);
});
