import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { objectKey } from '../../../../core/domain/keys.ts';
import { patterned } from '../../../contract/vault/vault-data.ts';
import {
  answering,
  conditions,
  inStore,
  is,
  isWrite,
  key,
  large,
  lost,
  spoiledStore,
  tags,
} from '../../../support/s3-store/spoiled.ts';
import { failed } from '../../../support/s3-store/store.ts';
import type { Asked } from '../../../support/s3-store/store.ts';

const signal = new AbortController().signal;
const { under, vaultOf, heedsNot } = spoiledStore();
const vault = () => vaultOf({ conditionalWrites: false, settleMs: 50 });
const put = (text = '1', on = vault()) => on.putIfAbsent(key, Buffer.from(text), tags, signal);
const isOf = (one: Asked, method: string, at: string) => is(one, method) && one.key.startsWith(at);
const left = () => [...under.store.objects.keys()].filter((name) => name.includes('.claims/'));

afterEach(() => void jest.restoreAllMocks());

describe('what claims rely on is tried', () => {
  test('a store that heeds both conditions is refused: other runs would rely on them', async () => {
    await expect(put()).rejects.toMatchObject({
      code: 'config-invalid',
      message: 's3://acme-backups/prod: the store heeds conditional writes',
      hint: expect.stringContaining('leave conditionalWrites out'),
    });
    expect([...under.store.objects.keys()]).toEqual([]);
  });

  test.each([['if-none-match'], ['if-match']])(
    'one that does not heed %s alone is none that heeds them',
    async (which) => {
      heedsNot([which]);

      expect(await put()).toEqual({ version: expect.any(String) });
      await expect(put('2')).rejects.toMatchObject({ code: 'object-exists' });
      expect(left()).toEqual([]);
    },
  );

  test.each([400, 501])('nor is one that answers %d to them', async (status) => {
    under.store.state.spoil = (one, usual) =>
      isWrite(one) && conditions.some((name) => name in one.headers) ? failed(status, 'NotImplemented') : usual();

    const { version } = await put();
    await vault().putIfUnchanged(key, Buffer.from('2'), version, signal);

    await expect(vault().putIfUnchanged(key, Buffer.from('3'), version, signal)).rejects.toMatchObject({
      code: 'object-exists',
    });
    expect(under.store.objects.get(inStore)).toMatchObject({ body: Buffer.from('2'), tags });
    expect(left()).toEqual([]);
  });

  test('once for a vault, whoever writes first', async () => {
    heedsNot();
    const on = vault();
    const stored = on.put(objectKey('shop/part'), patterned(large, 65_536), tags, signal);

    await Promise.all([stored, put('1', on), on.putIfAbsent(objectKey('shop/x'), Buffer.from('2'), {}, signal)]);

    expect(under.store.asked.filter((one) => isOf(one, 'PUT', 'prod/.claims/.trial/'))).toHaveLength(2);
  });

  test.each([
    [
      'written',
      'what was just written is in no listing',
      (body: string) => body.replace(/<Contents>.*<\/Contents>/s, ''),
    ],
    ['removed', 'what was just removed is still listed', (body: string) => body],
  ])('a store whose listings do not show what was just %s is refused', async (_, says, change) => {
    let listed: string | undefined;
    heedsNot(conditions, async (one, usual) => {
      const answer = await usual();
      if (!one.query.has('list-type')) return answer;
      listed ??= change(String(answer.body));
      return { ...answer, body: listed };
    });

    await expect(put()).rejects.toMatchObject({
      code: 'vault-failed',
      message: `s3://acme-backups/prod: ${says} of the store`,
      hint: expect.stringContaining('use another store'),
    });
    expect(under.store.objects.has(inStore)).toBe(false);
  });

  test('credentials that may remove nothing are refused, and told which right it takes', async () => {
    heedsNot(conditions, (one, usual) => (one.method === 'DELETE' ? failed(403, 'AccessDenied') : usual()));

    await expect(put()).rejects.toMatchObject({
      code: 'vault-denied',
      message: expect.stringMatching(/^delete s3:\/\/acme-backups\/prod\/\.claims\/\.trial\/[\w-]+: /),
      hint: expect.stringContaining('s3:DeleteObject on .claims/*'),
    });
    expect(under.store.objects.has(inStore)).toBe(false);
  });

  test('a listing that is late later is found out at the write that it would spoil', async () => {
    heedsNot();
    const on = vault();
    await put('1', on);
    heedsNot(conditions, async (one, usual) => {
      const answer = await usual();
      const empty = String(answer.body).replace(/<Contents>.*<\/Contents>/s, '');
      return one.query.has('list-type') ? { ...answer, body: empty } : answer;
    });

    await expect(on.putIfAbsent(objectKey('shop/other'), Buffer.from('1'), {}, signal)).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringContaining('in no listing of the store'),
    });
    expect(under.store.objects.has('prod/shop/other')).toBe(false);
  });
});

describe('a claim', () => {
  const other = 'prod/.claims/shop/object/0';
  const claim = { body: Buffer.alloc(0), etag: '"e"', tags: {} };

  test('of another one keeps everybody out until it is gone', async () => {
    heedsNot();
    const on = vault();
    await on.putIfAbsent(objectKey('shop/first'), Buffer.from('1'), {}, signal);
    under.store.objects.set(other, claim);

    const waiting = put('1', on);
    setTimeout(() => under.store.objects.delete(other), 400);
    await waiting;

    expect(left()).toEqual([]);
  });

  test('of a dead one is told, and until when it stands in the way', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.01);
    heedsNot();
    under.store.objects.set(other, claim);

    await expect(put()).rejects.toMatchObject({
      code: 'vault-failed',
      message: 'write s3://acme-backups/prod/shop/object: another write of it was begun and has not ended',
      hint: expect.stringContaining('until 2026-11-20T02:35:00.000Z'),
    });
    expect(under.store.objects.has(inStore)).toBe(false);
    expect(left()).toEqual([other]);
  });

  test('is not written under by a machine that has slept since it was put', async () => {
    heedsNot();
    const on = vault();
    await on.putIfAbsent(objectKey('shop/first'), Buffer.from('1'), {}, signal);
    const awake = Date.now.bind(Date);
    heedsNot(conditions, async (one, usual) => {
      const answer = await usual();
      if (isOf(one, 'PUT', 'prod/.claims/shop/object/'))
        jest.spyOn(Date, 'now').mockImplementation(() => awake() + 120_000);
      // the client goes by the clock of the store, which has not stood still
      return { ...answer, headers: { ...answer.headers, date: new Date(Date.now()).toUTCString() } };
    });

    await expect(put('1', on)).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringContaining('took more than 60 s to begin'),
      hint: expect.stringContaining('run again'),
    });
    expect(under.store.objects.has(inStore)).toBe(false);
    expect(left()).toEqual([]);
  });

  test('stays for as long as a write that got no answer may be carried out, and the write counts when it was', async () => {
    heedsNot();
    const on = vaultOf({ conditionalWrites: false, settleMs: 600 });
    await on.putIfAbsent(objectKey('shop/first'), Buffer.from('1'), {}, signal);
    let answers = 0;
    heedsNot(conditions, (one, usual) => {
      if (!isOf(one, 'PUT', inStore) || answers > 0) return usual();
      answers += 1;
      setTimeout(() => expect(left()).toHaveLength(1), 300);
      return lost(one, usual);
    });

    expect(await put('1', on)).toEqual({ version: under.store.objects.get(inStore)!.etag });
    expect(left()).toEqual([]);
  });

  test.each([500, 504, 520])(
    'stays as long where a proxy answers %d to a write that it has handed on, which then comes late',
    async (status) => {
      heedsNot();
      const on = vaultOf({ conditionalWrites: false, settleMs: 600 });
      await on.putIfAbsent(objectKey('shop/first'), Buffer.from('1'), {}, signal);
      let late: Promise<number> | undefined;
      heedsNot(conditions, (one, usual) => {
        if (!isOf(one, 'PUT', inStore) || late !== undefined) return usual();
        late = sleep(400).then(async () => {
          await usual();
          return left().length;
        });
        return { status, headers: { 'content-type': 'text/html' }, body: '<html><h1>Gateway Time-out</h1></html>' };
      });

      await put('1', on);

      expect(await late).toBe(1);
      expect(left()).toEqual([]);
    },
  );

  test('whose put comes once more, after it was taken away, is taken away again', async () => {
    heedsNot();
    const on = vault();
    await on.putIfAbsent(objectKey('shop/first'), Buffer.from('1'), {}, signal);
    let late: (() => Promise<unknown>) | undefined;
    let comes = 0;
    heedsNot(conditions, async (one, usual) => {
      const isOfClaim = one.key.startsWith('prod/.claims/shop/object/');
      if (isOfClaim && one.method === 'PUT' && late === undefined) {
        late = async () => usual();
        return { status: 504, body: '' };
      }
      const answer = await usual();
      if (isOfClaim && one.method === 'DELETE' && (comes += 1) === 1) await late!();
      return answer;
    });

    await put('1', on);

    expect(comes).toBe(2);
    expect(left()).toEqual([]);
  });

  test('is taken back where a write got no answer and is not there either, and the write has failed', async () => {
    heedsNot();
    const on = vault();
    await on.putIfAbsent(objectKey('shop/first'), Buffer.from('1'), {}, signal);
    heedsNot(conditions, (one, usual) => (isOf(one, 'PUT', inStore) ? 'lost' : usual()));

    await expect(put('1', on)).rejects.toMatchObject({ code: 'vault-unreachable' });
    expect(left()).toEqual([]);
  });

  test('stays behind where we are stopped before that is known', async () => {
    heedsNot();
    const on = vaultOf({ conditionalWrites: false, settleMs: 60_000 });
    await on.putIfAbsent(objectKey('shop/first'), Buffer.from('1'), {}, signal);
    const stop = new AbortController();
    heedsNot(conditions, (one, usual) => {
      if (!isOf(one, 'PUT', inStore)) return usual();
      setTimeout(() => stop.abort(), 50);
      return new Promise(() => undefined);
    });
    // the five seconds that a short write is left to end
    const start = globalThis.setTimeout;
    jest
      .spyOn(globalThis, 'setTimeout')
      .mockImplementation(((work: () => void, ms: number) => start(work, ms === 5000 ? 50 : ms)) as typeof setTimeout);

    await expect(on.putIfAbsent(key, Buffer.from('1'), tags, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(left()).toHaveLength(1);
  }, 20_000);
});

test('what a vault without conditions promises less is said in one sentence, and nothing of one with them', () => {
  expect(vault().weaker).toMatch(/^the store has no conditional writes: claims keep two runs apart/);
  expect(vaultOf().weaker).toBeUndefined();
});

test('a store that ignores If-Match alone is found out where nobody has written so in the configuration', async () => {
  const on = vaultOf();
  const { version } = await put('1', on);
  heedsNot(['if-match']);

  await expect(on.putIfUnchanged(key, Buffer.from('2'), version, signal)).rejects.toMatchObject({
    code: 'vault-failed',
    message: expect.stringContaining('although it was told not to (If-Match)'),
    hint: expect.stringContaining('conditionalWrites: false'),
  });
});

test('a store that refuses conditions says what can be written in the configuration', async () => {
  under.store.state.spoil = answering(failed(501, 'NotImplemented'));

  await expect(put('1', vaultOf())).rejects.toMatchObject({
    code: 'vault-failed',
    hint: expect.stringContaining('write conditionalWrites: false in the vault'),
  });
});
