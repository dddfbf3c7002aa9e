/**
 * Works on all items in their order, `limit` at a time. The first failure stops the others through their signal, and is
 * thrown when all have ended. Results are in the order of the items.
 */
export async function mapConcurrently<T, R>(
  limit: number,
  items: readonly T[],
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal,
): Promise<R[]> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const results: R[] = [];
  const queue = items.entries();
  let failure: { error: unknown } | undefined;
  async function worker(): Promise<void> {
    for (const [index, item] of queue) {
      if (failure !== undefined) return;
      try {
        results[index] = await work(item, both);
      } catch (error) {
        failure ??= { error };
        failed.abort(error);
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
  return results;
}

/**
 * The same for items that arrive one by one: at most `limit` are fetched ahead of the work. Also throws a failure of
 * the items.
 */
export async function forEachConcurrently<T>(
  limit: number,
  items: AsyncIterable<T>,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  const workers = Array.from({ length: limit }, (_, index) => index);
  try {
    await mapConcurrently(
      limit,
      workers,
      async (_, stop) => {
        for (let next = await iterator.next(); next.done !== true && !stop.aborted; next = await iterator.next())
          await work(next.value, stop);
      },
      signal,
    );
  } finally {
    await iterator.return?.();
  }
}
