import { describe, expect, test } from '@jest/globals';
import { patterned } from '../../../contract/vault/vault-data.ts';
import {
  answering,
  inStore,
  is,
  key,
  large,
  spoiledStore,
  tags,
  withHeaders,
} from '../../../support/s3-store/spoiled.ts';
import { failed } from '../../../support/s3-store/store.ts';
import type { Answer, Asked, Spoil } from '../../../support/s3-store/store.ts';

const signal = new AbortController().signal;
const { under, vaultOf, put, spoiled } = spoiledStore();

describe('locks, holds and what is written over', () => {
  test('a lock is lengthened by the mode that is written', async () => {
    await put('1');
    const until = new Date('2027-01-01T00:00:00Z');
    await vaultOf({ objectLock: { mode: 'compliance', daily: 3 } }).locks!.lengthen(key, until, signal);
    expect(under.store.objects.get(inStore)!.until).toBe('COMPLIANCE 2027-01-01T00:00:00Z');
    const { locks } = vaultOf({ objectLock: { mode: 'governance', daily: 3 } });
    await locks!.lengthen(key, until, signal);
    expect(under.store.objects.get(inStore)!.until).toBe('GOVERNANCE 2027-01-01T00:00:00Z');
    expect(locks!.days).toEqual({ daily: 3 });
    expect(vaultOf().locks).toBeUndefined();
  });

  test('a hold is put on and taken off, and where there are none that is no failure', async () => {
    await put('1');
    expect(await vaultOf().hold!(key, true, signal)).toBe(true);
    expect(under.store.objects.get(inStore)!.hold).toBe('ON');
    expect(await vaultOf().hold!(key, false, signal)).toBe(true);
    expect(under.store.objects.get(inStore)!.hold).toBe('OFF');
    for (const [status, code] of [
      [400, 'InvalidRequest'],
      [404, 'ObjectLockConfigurationNotFoundError'],
      [501, 'NotImplemented'],
      [405, 'MethodNotAllowed'],
      [501, 'Whatever'],
    ] as const) {
      spoiled((one) => is(one, 'PUT', 'legal-hold'), answering(failed(status, code)));
      expect(await vaultOf().hold!(key, true, signal)).toBe(false);
    }
    spoiled((one) => is(one, 'PUT', 'legal-hold'), answering(failed(400, 'MalformedXML')));
    await expect(vaultOf().hold!(key, true, signal)).rejects.toThrow(
      'put a legal hold on s3://acme-backups/prod/shop/object: MalformedXML',
    );
    await expect(vaultOf().hold!(key, false, signal)).rejects.toThrow('take the legal hold off s3://');
  });

  test('whether a bucket locks is what it says; for who may not know it does, and a failure is none of its answers', async () => {
    const asked = (one: Asked) => is(one, 'GET', 'object-lock');
    const document = (enabled: string) =>
      `<ObjectLockConfiguration><ObjectLockEnabled>${enabled}</ObjectLockEnabled></ObjectLockConfiguration>`;
    const answers: [Answer, boolean][] = [
      [{ body: document('Enabled') }, true],
      [{ body: document('') }, false],
      [failed(404, 'ObjectLockConfigurationNotFoundError'), false],
      [failed(501, 'NotImplemented'), false],
      [failed(403, 'AccessDenied'), true],
    ];
    for (const [answer, locks] of answers) {
      spoiled(asked, answering(answer));
      expect(await vaultOf().mayLock!(signal)).toBe(locks);
    }
    spoiled(asked, answering(failed(400, 'MalformedXML')));
    await expect(vaultOf().mayLock!(signal)).rejects.toThrow('ask whether s3://acme-backups/prod has Object Lock');
  });

  test.each<[string, Spoil | undefined, string]>([
    ['refused', answering(failed(403, 'AccessDenied')), 'refused'],
    ['kept as a version', withHeaders({ 'x-amz-version-id': 'v2' }), 'kept'],
    ['lost', undefined, 'lost'],
    ['lost, where versions are kept no longer', withHeaders({ 'x-amz-version-id': 'null' }), 'lost'],
  ])('writing over an object: %s', async (_, spoil, said) => {
    await put('1');
    if (spoil !== undefined) spoiled((one) => is(one, 'PUT'), spoil);
    expect(await vaultOf().overwrite!(key, Buffer.from('2'), signal)).toBe(said);
    expect(under.store.asked.at(-1)!.headers).not.toHaveProperty('if-none-match');
  });

  test('writing over an object that fails otherwise is no refusal', async () => {
    spoiled((one) => is(one, 'PUT'), answering(failed(400, 'InvalidRequest')));
    await expect(vaultOf().overwrite!(key, Buffer.from('2'), signal)).rejects.toMatchObject({ code: 'vault-failed' });
  });

  test('a delete that a bucket only hides is told as hidden', async () => {
    await put('1');
    spoiled(({ method }) => method === 'DELETE', withHeaders({ 'x-amz-delete-marker': 'true' }));
    expect(await vaultOf().delete(key, signal)).toEqual({ state: 'hidden' });
    spoiled(({ method }) => method === 'DELETE', answering(failed(404, 'NoSuchKey')));
    expect(await vaultOf().delete(key, signal)).toEqual({ state: 'gone' });
    spoiled(({ method }) => method === 'DELETE', answering(failed(403, 'AccessDenied')));
    await expect(vaultOf().delete(key, signal)).rejects.toMatchObject({ code: 'vault-denied' });
  });

  test('an unfinished upload is ended; one that has ended is no error', async () => {
    under.store.uploads.set('u1', { key: inStore, tags: {}, parts: new Map() });
    const upload = { key, upload: 'u1', begun: new Date() };
    await vaultOf().abandon(upload, signal);
    expect(under.store.uploads.size).toBe(0);
    await vaultOf().abandon(upload, signal);
    spoiled(({ method }) => method === 'DELETE', answering(failed(403, 'AccessDenied')));
    await expect(vaultOf().abandon(upload, signal)).rejects.toMatchObject({ code: 'vault-denied' });
  });

  test('parts that can’t be removed are told beside what failed', async () => {
    spoiled(
      ({ method, query }) => method === 'DELETE' || query.has('partNumber'),
      answering(failed(403, 'AccessDenied')),
    );
    await expect(vaultOf().put(key, patterned(large, 65_536), tags, signal)).rejects.toMatchObject({
      code: 'vault-denied',
      message: expect.stringMatching(
        /^write s3:.*AccessDenied \(HTTP 403\); besides, the parts sent so far could not be removed: write s3:.*AccessDenied/,
      ),
    });
  });
});
