import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { cloudProblems } from '../../../core/contract/cloud/problems.ts';
import { inVault } from '../../../core/contract/config/vaults/in-vault.ts';

const server = 'postgres: { host: db, database: shop, user: app }';
const reading = (text: string) => parseConfig(text, 'nightjar.yaml');
const problems = (text: string): string => {
  try {
    reading(text);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};
const two = 'vault: ./b\nvaults: { nas: /mnt/nas, offsite: s3://acme-offsite/b }\n';

test('copies are those of the defaults, or the source’s own, each with what it keeps', () => {
  const { sources } = reading(
    `${two}defaults: { copies: [offsite], retention: { daily: 3 } }\nsources:\n  shop: { ${server} }\n  blog: { ` +
      `${server}, copies: [] }\n  news: { ${server}, copies: [nas, { vault: offsite, retention: { weekly: 9 } }] ` +
      `}\n`,
  );

  const copies = Object.fromEntries([...sources].map(([name, { copies: own }]) => [name, own]));
  const kept = { last: 0, hourly: 0, daily: 3, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 0 };
  expect(copies).toEqual({
    shop: [{ vault: 'offsite', retention: kept }],
    blog: [],
    news: [
      { vault: 'nas', retention: kept },
      { vault: 'offsite', retention: { ...kept, weekly: 9 } },
    ],
  });
});

test.each([
  [
    'an unknown vault',
    'copies: [ofsite]',
    'sources.shop.copies: there is no vault ofsite in vaults: there is nas, offsite',
  ],
  ['one that stands twice', 'copies: [nas, nas]', 'sources.shop.copies: names nas twice'],
  [
    'a copy that keeps nothing',
    'copies: [{ vault: nas, retention: { daily: 0, weekly: 0, monthly: 0, yearly: 0 } }]',
    'nas keeps nothing: at least one number must be above 0',
  ],
  ['a key that is none', 'copies: [{ vault: nas, keep: 3 }]', 'unknown key'],
])('%s is told', (_, copies, problem) => {
  expect(problems(`${two}sources: { shop: { ${server}, ${copies} } }\n`)).toContain(problem);
});

test.each([
  ['./b', './b/'],
  ['b', './b/copies'],
  ['/srv/backups/prod', '/srv/backups'],
  ['s3://bucket/b', 's3://bucket/b/'],
  ['s3://bucket', 's3://bucket/b'],
])('a vault at %s and a further one at %s are one place', (vault, further) => {
  expect(problems(`vault: ${vault}\nvaults: { other: "${further}" }\nsources: { shop: { ${server} } }\n`)).toContain(
    'vaults.other: lies in the same place as vault: a copy there would be none',
  );
});

test.each([
  ['./b', './b2'],
  ['s3://bucket/b', 's3://bucket/b2'],
  ['s3://bucket/b', 's3://bucket-2/b'],
])('%s and %s are two places', (vault, further) => {
  expect(problems(`vault: ${vault}\nvaults: { other: "${further}" }\nsources: { shop: { ${server} } }\n`)).toBe('');
});

test('the name of a vault is one that can be typed', () => {
  const text = `vault: ./b\nvaults: { "Off Site": /mnt/x }\nsources: { shop: { ${server} } }\n`;
  expect(problems(text)).toContain('expected the name of a vault');
});

test('who works in a further vault keeps what is kept there, and copies nothing on', () => {
  const config = reading(
    `${two}sources:\n  shop: { ${server}, retention: { count: 3 }, copies: [{ vault: nas, retention: { count: 9 ` +
      `} }] }\n  blog: { ${server}, retention: { count: 4 } }\n`,
  );

  const there = inVault(config, 'nas');
  expect(there?.vault).toEqual({ kind: 'folder', folder: '/mnt/nas' });
  expect([...there!.sources.values()].map(({ retention, copies }) => [retention, copies])).toEqual([
    [{ count: 9 }, []],
    [{ count: 4 }, []],
  ]);
  expect(inVault(config, 'toString')).toBeUndefined();
});

const inCloud = 'vault: s3://acme/b\ncloud: { email: [ops@acme.example], region: eu-west-1 }\n';
const deploying = (vault: string, copies = '[other]') => {
  const sources = `sources: { shop: { postgres: { host: db, database: shop, user: app }, copies: ${copies}, `;
  const config = reading(`${inCloud}vaults: { other: ${vault} }\n${sources}schedule: "0 2 * * *" } }\n`);
  return cloudProblems(config).map(({ path, message }) => `${path.join('.')} ${message}`);
};
const keys = 'accessKeyId: { secret: v, field: id }, secretAccessKey: { secret: v, field: key }';

test.each([
  ['s3://acme-offsite/b', []],
  [`{ s3: { bucket: acme-offsite, region: us-east-1 } }`, []],
  [`{ s3: { bucket: acme-offsite, endpoint: "https://s3.vendor.example", ${keys} } }`, []],
  [`{ s3: { bucket: acme-offsite, prefix: "nightly *", ${keys} } }`, []],
  ['/mnt/nas', [expect.stringMatching(/^vaults\.other is a folder, which functions do not have/)]],
  [
    `{ s3: { bucket: acme-offsite, endpoint: "https://s3.vendor.example" } }`,
    [expect.stringMatching(/^vaults\.other\.s3\.accessKeyId is missing: a store outside of AWS knows no role/)],
  ],
  [
    `{ s3: { bucket: acme-offsite, accessKeyId: { env: ID }, secretAccessKey: { file: key } } }`,
    [
      expect.stringMatching(/^vaults\.other\.s3\.accessKeyId a variable is of one machine/),
      expect.stringMatching(/^vaults\.other\.s3\.secretAccessKey a file is of one machine/),
    ],
  ],
  [
    `{ s3: { bucket: acme-offsite, prefix: "nightly *", kmsKey: alias/backups } }`,
    [
      expect.stringMatching(/^vaults\.other\.s3\.prefix may hold letters, digits/),
      expect.stringMatching(/^vaults\.other\.s3\.kmsKey expected the ARN of a key/),
    ],
  ],
])('what functions need to copy into %s is told before anything is deployed', (vault, expected) => {
  expect(deploying(vault)).toEqual(expected);
});

test('a folder that no source is copied into keeps nobody from deploying', () => {
  expect(deploying('/mnt/nas', '[]')).toEqual([]);
});
