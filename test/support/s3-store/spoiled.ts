import { afterAll, afterEach, beforeAll } from '@jest/globals';
import type { S3ClientOptions } from '../../../core/vaults/s3/client.ts';
import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import type { S3VaultOptions } from '../../../core/vaults/s3/s3.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { chunks } from '../../contract/vault/vault-data.ts';
import { s3Store } from './store.ts';
import type { Answer, Asked, S3Store, Spoil } from './store.ts';

/** More than one part of an upload. */
export const large = 9 * 1024 ** 2;
export const tags = { tier: 'daily' };
export const key = objectKey('shop/object');
export const inStore = `prod/${key}`;

/** A store of a suite's own whose answers can be spoiled, and vaults on it. What a test leaves is gone before the next. */
export function spoiledStore() {
  const under = {} as { store: S3Store };
  beforeAll(async () => {
    under.store = await s3Store();
  });
  afterEach(() => {
    under.store.state.spoil = undefined;
    under.store.objects.clear();
    under.store.uploads.clear();
    under.store.asked.length = 0;
  });
  afterAll(() => under.store.close());

  const vaultOf = (options: Partial<S3VaultOptions> = {}, client: S3ClientOptions = {}) =>
    s3Vault({ client: under.store.client(client), bucket: under.store.bucket, prefix: '/prod/', ...options });
  const put = (body: string) => vaultOf().put(key, chunks(Buffer.from(body)), tags, new AbortController().signal);

  /** Spoils the answers to what fits, so many times. */
  function spoiled(fits: (one: Asked) => boolean, how: Spoil, times = Number.POSITIVE_INFINITY): void {
    let left = times;
    under.store.state.spoil = (one, usual) => {
      if (left === 0 || !fits(one)) return usual();
      left -= 1;
      return how(one, usual);
    };
  }
  /** The store heeds none of these conditions; `more` spoils further answers. */
  function heedsNot(which: readonly string[] = conditions, more: Spoil = (_, usual) => usual()): void {
    under.store.state.spoil = (one, usual) => {
      if (isWrite(one)) for (const name of which) delete one.headers[name];
      return more(one, usual);
    };
  }
  return { under, vaultOf, put, spoiled, heedsNot };
}

export const conditions = ['if-none-match', 'if-match'];
export const isWrite = ({ method }: Asked) => method === 'PUT' || method === 'POST';

/** A request by this method, for an object itself or for something of it. */
export function is(one: Asked, method: string, query?: string): boolean {
  const isOfIt = query === undefined ? [...one.query.keys()].every((name) => name === 'x-id') : one.query.has(query);
  return one.method === method && isOfIt;
}

export const lost = async (_: Asked, usual: () => Promise<Answer>): Promise<'lost'> => {
  await usual();
  return 'lost';
};

export const answering =
  (answer: Answer): Spoil =>
  () =>
    answer;

export const withHeaders =
  (headers: Record<string, string>): Spoil =>
  async (_, usual) => {
    const answer = await usual();
    return { ...answer, headers: { ...answer.headers, ...headers } };
  };
