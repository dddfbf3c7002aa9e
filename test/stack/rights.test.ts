import { expect, test } from '@jest/globals';
import { probeKey } from '../../core/domain/layout/places.ts';
import { judge } from '../real/cloud/policy/policy.ts';
import type { Call, Rule, Statement } from '../real/cloud/policy/policy.ts';
import { s3Asked } from '../real/cloud/policy/requests-s3.ts';
import { policiesOf } from './judges/policies.ts';
import { exampleConfig, exampleStack, synthesise } from './synthesis.ts';

/** What a request of the backup function of `shop` asks for: AWS's own word for it, from what goes over the wire. */
function asked(method: string, query: Record<string, string>, headers: Record<string, string> = {}): Call {
  const path = '/acme-backups/prod/shop/20261101T020000Z-aaaaaa/data/0001.sql.zst';
  const wire = { method, path, query: new URLSearchParams(query), headers, body: '' };
  return s3Asked(wire, { region: 'eu-west-1', account: '1', encryption: () => undefined }).needed[0]!;
}

test('the function that backs up can store new parts, and write over none that is there', () => {
  const { statements } = policiesOf(exampleStack('plain').template).find(
    ({ of, kind }) => of === 'Nightjar-backup-shop' && kind === 'identity',
  )!;
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
  const { statements } = policiesOf(exampleStack('plain').template).find(
    ({ of, kind }) => of === 'Nightjar-backup-shop' && kind === 'identity',
  )!;
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

test('the address of a heartbeat is read by the check alone', () => {
  const { template } = synthesise({ ...exampleConfig('plain'), hooks: [{ heartbeat: { secret: 'outside/ping' } }] });
  const readers = policiesOf(template).filter(({ statements }) => JSON.stringify(statements).includes('outside/ping'));

  expect(readers.map(({ of }) => of)).toEqual(['Nightjar-check']);
});
