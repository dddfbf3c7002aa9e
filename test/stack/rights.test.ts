import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { probeKey } from '../../core/domain/layout/places.ts';
import { judge } from '../real/cloud/policy/policy.ts';
import type { Call, Rule, Statement } from '../real/cloud/policy/policy.ts';
import { s3Asked } from '../real/cloud/policy/requests-s3.ts';
import { policiesOf } from './judges/policies.ts';
import { exampleConfig, exampleStack, synthesise } from './synthesis.ts';

/** A source that is drilled and copied, in a bucket whose objects are locked: every role that a stack has. */
const example = exampleConfig('plain');
const roles = policiesOf(
  synthesise({
    ...example,
    vaults: { offsite: 's3://acme-offsite/prod' },
    defaults: { ...example.defaults, drillEvery: '8d', copies: ['offsite'] },
    hooks: [{ heartbeat: { secret: 'outside/ping' } }],
    cloud: { ...example.cloud!, objectLock: { mode: 'governance', days: 7 } },
  }).template,
);
const ofBackup = roles.find(({ of, kind }) => of === 'Nightjar-backup-shop' && kind === 'identity')!;

/** What a request of the backup function of `shop` asks for: AWS's own word for it, from what goes over the wire. */
function asked(method: string, query: Record<string, string>, headers: Record<string, string> = {}): Call {
  const path = '/acme-backups/prod/shop/20261101T020000Z-aaaaaa/data/0001.sql.zst';
  const wire = { method, path, query: new URLSearchParams(query), headers, body: '' };
  return s3Asked(wire, { region: 'eu-west-1', account: '1', encryption: () => undefined }).needed[0]!;
}

test('the function that backs up can store new parts, and write over none that is there', () => {
  const { statements } = ofBackup;
  const identity = statements.map((statement, index): Rule => ({ id: `#${index}`, statement: statement as Statement }));
  const may = (call: Call): boolean => judge(call, { identity, principal: '' }).allowed;
  const onlyNew = { 'if-none-match': '*' };

  expect({
    'put a new part': may(asked('PUT', {}, onlyNew)),
    'begin an upload': may(asked('POST', { uploads: '' })),
    'send a piece': may(asked('PUT', { partNumber: '1', uploadId: 'u' })),
    'put together a new part': may(asked('POST', { uploadId: 'u' }, onlyNew)),
    'end an upload': may(asked('DELETE', { uploadId: 'u' })),
    'put over a part': may(asked('PUT', {})),
    'put together over a part': may(asked('POST', { uploadId: 'u' })),
    'copy over a part': may(asked('PUT', {}, { 'x-amz-copy-source': 'x' })),
    'delete a part': may(asked('DELETE', {})),
  }).toEqual({
    'put a new part': true,
    'begin an upload': true,
    'send a piece': true,
    'put together a new part': true,
    'end an upload': true,
    'put over a part': false,
    'put together over a part': false,
    'copy over a part': false,
    'delete a part': false,
  });
});

test('the function that backs up may do all that its doctor tries, and no doctor has a right of its own', () => {
  const { statements } = ofBackup;
  const identity = statements.map((statement, index): Rule => ({ id: `#${index}`, statement: statement as Statement }));
  const probe = `/acme-backups/prod/${probeKey}`;
  const may = (
    method: string,
    path: string,
    query: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) =>
    s3Asked(
      { method, path, query: new URLSearchParams(query), headers, body: '' },
      { region: 'eu-west-1', account: '1', encryption: () => undefined },
    ).needed.every((call) => judge(call, { identity, principal: '' }).allowed);
  const listing = (prefix: string) => may('GET', '/acme-backups', { 'list-type': '2', prefix: `prod/${prefix}` });

  expect({
    write: may('PUT', probe, {}, { 'if-none-match': '*' }),
    replace: may('PUT', probe, {}, { 'if-match': '"x"' }),
    read: may('GET', probe) && may('GET', probe, { tagging: '' }),
    'list it': listing(probeKey),
    'list its backups': listing('shop/'),
    delete: may('DELETE', probe),
    'list others': listing('blog/'),
  }).toEqual({
    write: true,
    replace: true,
    read: true,
    'list it': true,
    'list its backups': true,
    delete: false,
    'list others': false,
  });
  expect(JSON.stringify(statements)).not.toContain('doctor');
});

const id = '20261101T020000Z-aaaaaa';
const tags = (value: string) =>
  `<Tagging><TagSet><Tag><Key>nightjar-tier</Key><Value>${value}</Value></Tag></TagSet></Tagging>`;

/** What somebody with a role's credentials could do to what is stored: a request each, as it goes over the wire. */
const attacks: Record<
  string,
  [method: string, query: Record<string, string>, more?: { headers?: Record<string, string>; body?: string }]
> = {
  'put over': ['PUT', {}],
  'copy over, or put together over': ['POST', { uploadId: 'u' }],
  'hide (delete)': ['DELETE', {}],
  'delete for good (a version)': ['DELETE', { versionId: 'v' }],
  'delete for good, past a lock': [
    'DELETE',
    { versionId: 'v' },
    { headers: { 'x-amz-bypass-governance-retention': 'true' } },
  ],
  'read an older version': ['GET', { versionId: 'v' }],
  'change the lock': ['PUT', { retention: '' }],
  'change the legal hold': ['PUT', { 'legal-hold': '' }],
  'give it to the lifecycle': ['PUT', { tagging: '' }, { body: tags('released') }],
  'take its tags away': ['DELETE', { tagging: '' }],
  'open it to others': ['PUT', { acl: '' }],
};
const bucketAttacks: typeof attacks = {
  'change the policy': ['PUT', { policy: '' }],
  'change the lifecycle': ['PUT', { lifecycle: '' }],
  'stop versions': ['PUT', { versioning: '' }],
  'change the lock of all': ['PUT', { 'object-lock': '' }],
  'open it to the public': ['PUT', { publicAccessBlock: '' }],
  'delete the bucket': ['DELETE', {}],
};
const stored = ['manifest.json', 'manifest.sig', 'schema.pgdump', 'data/0001.sql.zst'].map(
  (file) => `shop/${id}/${file}`,
);

/** The roles that may do it by their own policies with every condition, which a bucket's of another account can't widen. */
function whoMay(
  [method, query, { headers = {}, body = '' } = {}]: (typeof attacks)[string],
  key: string,
  bucket = 'acme-backups',
): string[] {
  const path = key === '' ? `/${bucket}` : `/${bucket}/prod/${key}`;
  const { needed } = s3Asked(
    { method, path, query: new URLSearchParams(query), headers, body },
    { region: 'eu-west-1', account: '1', encryption: () => undefined },
  );
  return roles
    .filter(({ kind, statements }) => {
      const identity = statements.map((one, index): Rule => ({ id: `#${index}`, statement: one as Statement }));
      return kind === 'identity' && needed.every((call) => judge(call, { identity, principal: '' }).allowed);
    })
    .map(({ of }) => of)
    .sort();
}

test('nobody of the stack can destroy a backup for good, or loosen what keeps it; rotation alone can hide one', () => {
  const names = roles.filter(({ kind }) => kind === 'identity').map(({ of }) => of);
  expect(names).toEqual(
    expect.arrayContaining(
      ['backup-shop', 'restore-shop', 'drill-shop', 'rotate', 'copy', 'check'].map((one) => `Nightjar-${one}`),
    ),
  );

  const may = stored.flatMap((key) =>
    Object.entries(attacks).flatMap(([what, attack]) => whoMay(attack, key).map((who) => `${who}: ${what}`)),
  );
  expect(new Set(may)).toEqual(
    new Set(['Nightjar-rotate: hide (delete)', 'Nightjar-rotate: give it to the lifecycle']),
  );
  for (const [what, attack] of Object.entries(bucketAttacks))
    expect({ [what]: whoMay(attack, '') }).toEqual({ [what]: [] });
});

test('nobody of the stack can destroy, write over, loosen or hide a copy, the function that copies no more than the others', () => {
  const own = stored.filter(
    (key) => whoMay(['PUT', {}, { headers: { 'if-none-match': '*' } }], key, 'acme-offsite')[0],
  );
  expect(own).toEqual(stored);
  for (const [what, attack] of Object.entries(attacks))
    for (const key of [...stored, `shop/${id}/pin.json`])
      expect({ [`${what}: ${key}`]: whoMay(attack, key, 'acme-offsite') }).toEqual({ [`${what}: ${key}`]: [] });
  for (const [what, attack] of Object.entries(bucketAttacks))
    expect({ [what]: whoMay(attack, '', 'acme-offsite') }).toEqual({ [what]: [] });
});

test('nobody of the stack can leave word that a person has removed a backup, or that one is pinned', () => {
  for (const key of [`shop/removals/${id}.json`, `shop/${id}/pin.json`])
    for (const headers of [{}, { 'if-none-match': '*' }])
      expect({ [key]: whoMay(['PUT', {}, { headers }], key) }).toEqual({ [key]: [] });
});

test('the address of a heartbeat is read by the check alone', () => {
  const readers = roles.filter(({ statements }) => JSON.stringify(statements).includes('outside/ping'));

  expect(readers.map(({ of }) => of)).toEqual(['Nightjar-check']);
});

test('the function that copies reads the vault and adds to the copy: nothing else it asks for there is allowed', () => {
  const { statements } = policiesOf(exampleStack('self-hosted').template).find(
    ({ of, kind }) => of === 'Nightjar-copy' && kind === 'identity',
  )!;
  const identity = statements.map((statement, index): Rule => ({ id: `#${index}`, statement: statement as Statement }));
  const onlyNew = { 'if-none-match': '*' };
  const may = (bucket: string, path: string, method: string, query = {}, headers: Record<string, string> = {}) =>
    s3Asked(
      {
        method,
        path: `/${bucket}${path === '' ? '' : `/nightjar/prod/shop/${path}`}`,
        query: new URLSearchParams(query),
        headers,
        body: '',
      },
      { region: 'eu-north-1', account: '1', encryption: () => undefined },
    ).needed.every((call) => judge(call, { identity, principal: '' }).allowed);
  const id = '20261101T020000Z-aaaaaa';
  const what = {
    'read a part': ['data/0001.sql.zst', 'GET'],
    'read a manifest': ['manifest.json', 'GET'],
    'put a new part': ['data/0001.sql.zst', 'PUT', {}, onlyNew],
    'begin an upload': ['data/0001.sql.zst', 'POST', { uploads: '' }],
    'put together a new part': ['data/0001.sql.zst', 'POST', { uploadId: 'u' }, onlyNew],
    'end an upload': ['data/0001.sql.zst', 'DELETE', { uploadId: 'u' }],
    'put a new manifest': ['manifest.json', 'PUT', {}, onlyNew],
    'put a new signature': ['manifest.sig', 'PUT', {}, onlyNew],
    'put over a part': ['data/0001.sql.zst', 'PUT'],
    'put together over a part': ['data/0001.sql.zst', 'POST', { uploadId: 'u' }],
    'put over a manifest': ['manifest.json', 'PUT'],
    'delete a part': ['data/0001.sql.zst', 'DELETE'],
    'delete a manifest': ['manifest.json', 'DELETE'],
    'delete a version': ['manifest.json', 'DELETE', { versionId: 'v' }],
    'read a pin': ['pin.json', 'GET'],
    'write a proof': ['proofs/x.json', 'PUT', {}, onlyNew],
  } as const;
  const allowed = (bucket: string) =>
    Object.entries(what).flatMap(([name, [path, ...asked]]) =>
      may(bucket, `${id}/${path}`, ...(asked as [string])) ? [name] : [],
    );
  const listed = { 'list-type': '2', prefix: 'nightjar/prod/shop/' };

  expect(allowed('acme-archive')).toEqual(['read a part', 'read a manifest']);
  expect(allowed('acme-offsite')).toEqual(Object.keys(what).slice(0, 8));
  expect(allowed('acme-backups')).toEqual([]);
  expect(['acme-archive', 'acme-offsite'].map((bucket) => may(bucket, '', 'GET', listed))).toEqual([true, true]);
  expect(['acme-archive', 'acme-offsite'].map((bucket) => may(bucket, 'lease.json', 'PUT'))).toEqual([false, true]);
  expect(may('acme-offsite', '', 'GET', { ...listed, prefix: 'nightjar/staging/' })).toBe(false);

  // by the policy that docs/copies.md gives to the bucket of another account, for that role and no other
  const page = readFileSync(join(import.meta.dirname, '../../docs/copies.md'), 'utf8');
  const [, policy = ''] = /```json\n(.*?)```/s.exec(page) ?? [];
  const resource = (JSON.parse(policy) as { Statement: Statement[] }).Statement.map(
    (statement, index): Rule => ({ id: `bucket#${index}`, statement }),
  );
  const letIn = (role: string) => (name: string) => {
    const [path, method, query = {}, headers = {}] = what[name as keyof typeof what] as unknown as [
      string,
      string,
      object?,
      object?,
    ];
    const wire = { method, path: `/acme-offsite/x/${id}/${path}`, query: new URLSearchParams({ ...query }), body: '' };
    const { needed } = s3Asked(
      { ...wire, headers: headers as Record<string, string> },
      { region: 'eu-north-1', account: '1', encryption: () => undefined },
    );
    const principal = 'arn:aws:iam::111122223333:root';
    return needed.every((call) => {
      const context = { ...call.context, 'aws:PrincipalArn': principal.replace('root', `role/${role}`) };
      return judge({ ...call, context }, { identity: [], resource, principal }).allowed;
    });
  };
  const own = Object.keys(what).filter(letIn('Nightjar-BackupsKeepersCopyRole-X'));
  expect(own).toEqual([...Object.keys(what).slice(0, 8), 'read a pin', 'write a proof']);
  expect(Object.keys(what).filter(letIn('Somebody'))).toEqual([]);
});

test('what backs up by tag reaches all that has the tag, and nothing of a source of the file; what decides reaches no database', () => {
  const found = policiesOf(exampleStack('by-tag').template).filter(({ kind }) => kind === 'identity');
  const mayOn =
    (of: string) =>
    (key: string, method: string, query: Record<string, string> = {}, headers = {}) => {
      const { statements } = found.find((one) => one.of === of)!;
      const identity = statements.map((one, index): Rule => ({ id: `#${index}`, statement: one as Statement }));
      const path = `/acme-backups-by-tag/prod${key === '' ? '' : `/${key}`}`;
      const wire = {
        method,
        path: key === '' ? '/acme-backups-by-tag' : path,
        query: new URLSearchParams(query),
        headers,
      };
      const { needed } = s3Asked(
        { ...wire, body: '' },
        { region: 'eu-west-1', account: '1', encryption: () => undefined },
      );
      return needed.every((call) => judge(call, { identity, principal: '' }).allowed);
    };
  const onlyNew = { 'if-none-match': '*' };
  const actions = (of: string): string =>
    JSON.stringify(found.find((one) => one.of === of)!.statements.map((one) => (one as Statement).Action));
  const part = `${id}/data/0001.sql.zst`;

  const backup = mayOn('ByTag-by-tag-backup');
  expect({
    'its own':
      backup(`rds.shop/${part}`, 'PUT', {}, onlyNew) && backup(`rds.cluster.ledger/${part}`, 'PUT', {}, onlyNew),
    'its listing': backup('', 'GET', { 'list-type': '2', prefix: 'prod/rds.shop/' }),
    'reads the roster': backup('roster.json', 'GET'),
    'a source of the file': backup(`orders/${part}`, 'PUT', {}, onlyNew) || backup('orders/lease.json', 'PUT'),
    'its listings': backup('', 'GET', { 'list-type': '2', prefix: 'prod/orders/' }),
    'over what is there': backup(`rds.shop/${part}`, 'PUT'),
    deletes: backup(`rds.shop/${part}`, 'DELETE'),
    'writes the roster': backup('roster.json', 'PUT', {}, { 'if-match': '"x"' }),
  }).toEqual({
    'its own': true,
    'its listing': true,
    'reads the roster': true,
    'a source of the file': false,
    'its listings': false,
    'over what is there': false,
    deletes: false,
    'writes the roster': false,
  });
  const writers = found.filter(({ of }) => mayOn(of)('roster.json', 'PUT', {}, { 'if-match': '"x"' }));
  expect(writers.map(({ of }) => of)).toEqual(['ByTag-by-tag']);
  for (const one of ['ByTag-by-tag-backup', 'ByTag-by-tag-restore', 'ByTag-by-tag-drill']) {
    expect(actions(one)).toContain('rds-db:connect');
    expect(actions(one)).not.toMatch(/secretsmanager|lambda:|rds:Describe/);
  }
  expect(actions('ByTag-by-tag')).toMatch(/lambda:InvokeFunction/);
  expect(actions('ByTag-by-tag')).not.toMatch(/rds-db:connect|secretsmanager|DeleteObject|ec2:/);
  expect(JSON.stringify(found.find(({ of }) => of === 'ByTag-backup-orders'))).not.toMatch(/roster|rds-db/);
});

test('restores and drills read the copies of their own source, and write nothing there', () => {
  const policies = policiesOf(exampleStack('self-hosted').template);
  const buckets = 'arn:aws:s3:::acme-offsite';
  const own = `${buckets}/nightjar/prod/website/20261101T020000Z-aaaaaa`;
  const other = own.replace('website', 'crm%20%28production%29');
  const readers = policies.filter(({ of, kind }) => kind === 'identity' && /-(restore|drill)-/.test(of));
  for (const { of, statements } of readers) {
    const identity = statements.map(
      (statement, index): Rule => ({ id: `#${index}`, statement: statement as Statement }),
    );
    const may = (action: string, resource: string, context: Record<string, string> = {}) =>
      judge({ action, resource, context }, { identity, principal: '' }).allowed;
    const isWebsite = of.endsWith('website');
    expect([of, may('s3:GetObject', `${own}/data/0001.sql.zst`), may('s3:GetObject', `${own}/manifest.json`)]).toEqual([
      of,
      isWebsite,
      isWebsite,
    ]);
    expect(may('s3:ListBucket', buckets, { 's3:prefix': 'nightjar/prod/website/' })).toBe(isWebsite);
    expect(may('s3:GetObject', `${other}/manifest.json`)).toBe(!isWebsite);
    for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:PutObjectTagging'])
      expect([of, action, may(action, `${own}/proofs/x.json`), may(action, `${other}/data/1`)]).toEqual([
        of,
        action,
        false,
        false,
      ]);
  }
  expect(readers.length).toBeGreaterThanOrEqual(3);
});

test('rotation may lengthen locks where the vault has days by tier, to those days and in its mode, and nobody else may', () => {
  const config = exampleConfig('self-hosted');
  const { s3 } = config.vault as { s3: { bucket: string } };
  const objectLock = { mode: 'compliance' as const, weekly: 35, yearly: 400 };
  const policies = policiesOf(synthesise({ ...config, vault: { s3: { ...s3, objectLock } } }).template);
  const key = 'nightjar/prod/website/20261101T020000Z-aaaaaa';
  const mayLock = (remaining: string, path: string, mode = 'COMPLIANCE') =>
    policies.flatMap(({ of, kind, statements }) => {
      const identity = statements.map((one, index): Rule => ({ id: `#${index}`, statement: one as Statement }));
      const asked = {
        action: 's3:PutObjectRetention',
        resource: `arn:aws:s3:::acme-archive/${path}`,
        context: { 's3:object-lock-mode': mode, 's3:object-lock-remaining-retention-days': remaining },
      };
      return kind === 'identity' && judge(asked, { identity, principal: '' }).allowed ? [of] : [];
    });

  for (const file of ['manifest.json', 'data/0001.sql.zst'])
    expect(mayLock('400', `${key}/${file}`)).toEqual(['Nightjar-rotate']);
  expect(mayLock('401', `${key}/manifest.json`)).toEqual([]);
  expect(mayLock('400', `${key}/manifest.json`, 'GOVERNANCE')).toEqual([]);
  expect(mayLock('400', 'photo.jpg')).toEqual([]);
});

test('where nothing is copied there is no function for it, and a vault that only stands there is nobody’s right', () => {
  const vaults = { offsite: 's3://acme-offsite/b' };
  const { template } = synthesise({ ...exampleConfig('plain'), vaults });

  const plain = exampleStack('plain').template;
  expect(policiesOf(template)).toEqual(policiesOf(plain));
  expect(Object.keys(template.Resources)).toEqual(Object.keys(plain.Resources));
});
