import { beforeAll, expect, test } from '@jest/globals';
import { judge } from '../real/cloud/policy/policy.ts';
import type { Rule, Statement } from '../real/cloud/policy/policy.ts';
import { policiesOf } from './judges/policies.ts';
import type { Policy } from './judges/policies.ts';
import { exampleConfig, resourcesOf, synthesise } from './synthesis.ts';
import type { Synthesised } from './synthesis.ts';

const arn = 'arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000';
const publicKeys = [
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELyFFVKB/izsSXUYg/5WHtSFSzJPGDKWTwNZ9TI77Y5yJrlVK5jipVUDGTYZKXOblux+07q0nscYzfRaPkCJuZw==',
];
const secrets = ['shop', 'blog', 'wiki'].flatMap((name) => [`${name}/signing`, `${name}/identity`]);
const verbs = ['GetSecretValue', 'BatchGetSecretValue', 'PutSecretValue', 'UpdateSecret', 'DeleteSecret'];
const keysOf = (source: string, lastLetter: string) => ({
  signing: {
    publicKeys: [`MCowBQYDK2VwAyEA${'A'.repeat(42)}${lastLetter}=`],
    privateKey: { secret: `${source}/signing` },
  },
  encryption: {
    recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudh8asjqh0ytr8'],
    identity: { secret: `${source}/identity` },
  },
});

/** Two sources with keys of their own, which are drilled: one on its own server, one on another. */
function stackWithKeys(): Synthesised {
  const example = exampleConfig('plain');
  const { postgres } = example.sources!['shop']!;
  const server = { host: 'scratch.acme.example', user: 'drill', password: { secret: 'drill/password' } };
  const sources = {
    shop: { postgres, drillEvery: '7d', ...keysOf('shop', 'g') },
    blog: { postgres, drillEvery: '7d', drill: { server }, ...keysOf('blog', 'w') },
    wiki: { postgres, drillEvery: '7d', ...keysOf('wiki', 'A'), signing: { publicKeys, privateKey: { kms: arn } } },
  };
  return synthesise({ ...example, sources, cloud: { ...example.cloud, signingKey: true } });
}

let made: Synthesised;
let policies: Policy[];
beforeAll(() => {
  made = stackWithKeys();
  policies = policiesOf(made.template).filter(({ kind }) => kind !== 'trust');
}, 120_000);

/** What the policies of one let it do with the key that signs. */
function signsBy({ statements }: Policy): string[] {
  const identity = statements.map((statement, index): Rule => ({ id: `#${index}`, statement: statement as Statement }));
  const as = (type: string, algorithm: string) => ({ 'kms:MessageType': type, 'kms:SigningAlgorithm': algorithm });
  const uses: Record<string, [string, Record<string, string>]> = {
    'sign a digest': ['Sign', as('DIGEST', 'ECDSA_SHA_256')],
    'sign a message': ['Sign', as('RAW', 'ECDSA_SHA_256')],
    ...Object.fromEntries(
      ['GetPublicKey', 'Verify', 'DisableKey', 'ScheduleKeyDeletion', 'PutKeyPolicy', 'CreateGrant', 'Encrypt'].map(
        (name) => [name, [name, {}]],
      ),
    ),
  };
  return Object.entries(uses).flatMap(([what, [action, context]]) =>
    judge({ action: `kms:${action}`, resource: arn, context }, { identity, principal: '' }).allowed ? [what] : [],
  );
}

/** What the policies of one let it do with a secret: `GetSecretValue shop/signing`. */
function allowedBy({ statements }: Policy): string[] {
  const identity = statements.map((statement, index): Rule => ({ id: `#${index}`, statement: statement as Statement }));
  return secrets.flatMap((secret) => {
    const resource = `arn:aws:secretsmanager:{region}:{account}:secret:${secret}-AbCdEf`;
    return verbs
      .filter((verb) => {
        const call = { action: `secretsmanager:${verb}`, resource, context: {} };
        return judge(call, { identity, principal: '' }).allowed;
      })
      .map((verb) => `${verb} ${secret}`);
  });
}

test('a private key is open to the backup of its source alone, an identity to its restore and its drill', () => {
  const may = policies.map((policy): [string, string[]] => [`${policy.of} (${policy.kind})`, allowedBy(policy)]);

  expect(Object.fromEntries(may.filter(([, allowed]) => allowed.length > 0))).toEqual({
    'Nightjar-backup-shop (identity)': ['GetSecretValue shop/signing'],
    'Nightjar-restore-shop (identity)': ['GetSecretValue shop/identity'],
    'Nightjar-drill-shop (identity)': ['GetSecretValue shop/identity'],
    'Nightjar-backup-blog (identity)': ['GetSecretValue blog/signing'],
    'Nightjar-restore-blog (identity)': ['GetSecretValue blog/identity'],
    'Nightjar-drill-blog (identity)': ['GetSecretValue blog/identity'],
    'Nightjar-restore-wiki (identity)': ['GetSecretValue wiki/identity'],
    'Nightjar-drill-wiki (identity)': ['GetSecretValue wiki/identity'],
  });
  expect(policies.map(({ of }) => of)).toEqual(expect.arrayContaining(['Nightjar-rotate', 'Nightjar-check']));
});

test('a key of KMS signs digests for the backup of its source alone, and is nobody’s to look at or to change', () => {
  const ofRoles = policies.filter(({ kind }) => kind === 'identity');
  const may = ofRoles.map((policy): [string, string[]] => [policy.of, signsBy(policy)]);

  expect(may.filter(([, uses]) => uses.length > 0)).toEqual([['Nightjar-backup-wiki', ['sign a digest']]]);
});

test('the key that the stack makes signs, stays when the stack goes, and is called by the stack’s name', () => {
  const { template } = made;
  const keys = resourcesOf(template, 'AWS::KMS::Key').filter(
    ([, { Properties }]) => Properties['KeyUsage'] !== undefined,
  );

  expect(keys).toMatchObject([
    [
      expect.any(String),
      {
        Properties: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
      },
    ],
  ]);
  expect(resourcesOf(template, 'AWS::KMS::Alias').map(([, { Properties }]) => Properties['AliasName'])).toContain(
    'alias/nightjar/Nightjar-signing',
  );
  expect(Object.keys(template.Outputs ?? {})).toContainEqual(expect.stringContaining('SigningKeyArn'));
});
