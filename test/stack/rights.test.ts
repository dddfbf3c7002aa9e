import { expect, test } from '@jest/globals';
import { probeKey } from '../../core/domain/layout/places.ts';
import { judge } from '../real/cloud/policy/policy.ts';
import type { Call, Rule, Statement } from '../real/cloud/policy/policy.ts';
import { s3Asked } from '../real/cloud/policy/requests-s3.ts';
import { policiesOf } from './judges/policies.ts';
import { exampleConfig, synthesise } from './synthesis.ts';

/** A source that is drilled, in a bucket whose objects are locked: every role that a stack has. */
const example = exampleConfig('plain');
const roles = policiesOf(
  synthesise({
    ...example,
    defaults: { ...example.defaults, drillEvery: '8d' },
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

/** The roles that may do it, with the bucket's own policy and every condition. */
function whoMay([method, query, { headers = {}, body = '' } = {}]: (typeof attacks)[string], key: string): string[] {
  const path = key === '' ? '/acme-backups' : `/acme-backups/prod/${key}`;
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
      ['backup-shop', 'restore-shop', 'drill-shop', 'rotate', 'check'].map((one) => `Nightjar-${one}`),
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

test('nobody of the stack can leave word that a person has removed a backup, or that one is pinned', () => {
  for (const key of [`shop/removals/${id}.json`, `shop/${id}/pin.json`])
    for (const headers of [{}, { 'if-none-match': '*' }])
      expect({ [key]: whoMay(['PUT', {}, { headers }], key) }).toEqual({ [key]: [] });
});

test('the address of a heartbeat is read by the check alone', () => {
  const readers = roles.filter(({ statements }) => JSON.stringify(statements).includes('outside/ping'));

  expect(readers.map(({ of }) => of)).toEqual(['Nightjar-check']);
});
