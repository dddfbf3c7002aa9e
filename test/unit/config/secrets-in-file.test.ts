import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { isBackupError } from '../../../core/domain/errors.ts';

const secret = 'hunter2hunter2';
const source = (keys: string) => `vault: v\nsources: { shop: { postgres: ${keys} } }`;
const bucket = (keys: string) =>
  `vault: { s3: { bucket: abc, ${keys} } }\nsources: { shop: { postgres: { host: h, database: d, user: u } } }`;

test.each([
  ['a literal password', source(`{ host: h, database: d, user: u, password: ${secret} }`)],
  ['a literal password in a list', source(`{ host: h, database: d, user: u, password: [${secret}] }`)],
  [
    'a password in the place of a variable',
    source(`{ host: h, database: d, user: u, password: { env: "${secret}!" } }`),
  ],
  ['a password under a misspelt key', source(`{ host: h, database: d, user: u, passwrod: ${secret} }`)],
  ['a URL in the place of a server', source(`postgres://app:${secret}@db/shop`)],
  ['a URL in the place of a host', source(`{ host: "postgres://app:${secret}@db", database: d, user: u }`)],
  ['user and password in one', source(`{ host: "app:${secret}@db", database: d, user: u }`)],
  [
    'keys in a bucket',
    `vault: s3://AKIA:${secret}@bucket/x\nsources: { shop: { postgres: { host: h, database: d, user: u } } }`,
  ],
  ['keys in an endpoint', bucket(`endpoint: "https://AKIA:${secret}@store"`)],
  ['a literal access key', bucket(`accessKeyId: AKIA, secretAccessKey: ${secret}`)],
  ['a password that YAML takes for an alias', source(`{ host: h, database: d, user: u, password: *${secret} }`)],
  ['a password that YAML takes for a tag', source(`{ host: h, database: d, user: u, password: !${secret} x }`)],
  ['a password without the blank before it', source(`{ host: h, database: d, user: u, password:${secret} }`)],
  ['a password with a comma', source(`{ host: h, database: d, user: u, password: ab,${secret} }`)],
  ['a password that breaks the syntax', source(`{ host: h, database: d, user: u, password: "${secret}\\q" }`)],
])('%s is refused, and not repeated', (_, text) => {
  expect.assertions(3);
  try {
    parseConfig(text, 'nightjar.yaml');
  } catch (error) {
    expect(isBackupError(error, 'config-invalid')).toBe(true);
    expect(String(error)).toMatch(/problem/);
    expect(`${String(error)}${JSON.stringify(error)}`).not.toContain(secret);
  }
});

test('a secret that is missing is told as missing, and a port in a host as such', () => {
  const text = `notify: [{ webhook: { url: { env: URL } } }]\n${source('{ host: "db:5432", database: d, user: u }')}`;
  expect(() => parseConfig(text, 'nightjar.yaml')).toThrow(
    /notify\.0\.webhook\.key: is missing: where the secret is kept, as \{ env: NAME \}/,
  );
  expect(() => parseConfig(text, 'nightjar.yaml')).toThrow(
    'sources.shop.postgres.host: expected a host name or address, without scheme, user and port',
  );
});

test('the message of a literal password says what to write instead', () => {
  expect(() => parseConfig(source(`{ host: h, database: d, user: u, password: ${secret} }`), 'nightjar.yaml')).toThrow(
    'sources.shop.postgres.password: a secret never stands in this file: write where it is kept, as { env: NAME ' +
      '}, { file: path } or { secret: name or ARN, field: name }; or iam, for a token of IAM database ' +
      'authentication (line 2)',
  );
});
