import { expect, test } from '@jest/globals';
import { judge } from '../real/cloud/policy/policy.ts';
import type { Rule, Statement } from '../real/cloud/policy/policy.ts';
import { policiesOf } from './judges/policies.ts';
import type { Policy } from './judges/policies.ts';
import { exampleConfig, synthesise } from './synthesis.ts';

const secrets = ['shop/signing', 'shop/identity', 'blog/signing', 'blog/identity'];
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
function stackWithKeys(): Policy[] {
  const example = exampleConfig('plain');
  const { postgres } = example.sources!['shop']!;
  const server = { host: 'scratch.acme.example', user: 'drill', password: { secret: 'drill/password' } };
  const sources = {
    shop: { postgres, drillEvery: '7d', ...keysOf('shop', 'g') },
    blog: { postgres, drillEvery: '7d', drill: { server }, ...keysOf('blog', 'w') },
  };
  return policiesOf(synthesise({ ...example, sources }).template);
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
  const policies = stackWithKeys().filter(({ kind }) => kind !== 'trust');

  const may = policies.map((policy): [string, string[]] => [`${policy.of} (${policy.kind})`, allowedBy(policy)]);

  expect(Object.fromEntries(may.filter(([, allowed]) => allowed.length > 0))).toEqual({
    'Nightjar-backup-shop (identity)': ['GetSecretValue shop/signing'],
    'Nightjar-restore-shop (identity)': ['GetSecretValue shop/identity'],
    'Nightjar-drill-shop (identity)': ['GetSecretValue shop/identity'],
    'Nightjar-backup-blog (identity)': ['GetSecretValue blog/signing'],
    'Nightjar-restore-blog (identity)': ['GetSecretValue blog/identity'],
    'Nightjar-drill-blog (identity)': ['GetSecretValue blog/identity'],
  });
  expect(policies.map(({ of }) => of)).toEqual(expect.arrayContaining(['Nightjar-rotate', 'Nightjar-check']));
});
