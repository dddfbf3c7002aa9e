import type { PutObjectCommand } from '@aws-sdk/client-s3';
import { statusOf } from '../errors.ts';

/**
 * Observes each attempt at a request: `signed` with the date of its signature, `unanswered` if no answer tells its
 * outcome.
 */
export type Watch = { signed(date: Date): void; unanswered(): void };

/**
 * Answers of a store, or of a proxy before it, to a request that it does not begin. Any other server error may come
 * from a proxy that gave up on a store which is still working.
 */
const notBegun = [501, 503];

/** Observes a request between its signature and its sending; if `signed` throws, it is not sent. */
export function watched(command: PutObjectCommand, { signed, unanswered }: Watch): PutObjectCommand {
  command.middlewareStack.add(
    (next) => async (args) => {
      const { headers = {} } = args.request as { headers?: Record<string, string> };
      signed(dateOf(headers['x-amz-date'] ?? ''));
      try {
        return await next(args);
      } catch (error) {
        const status = statusOf(error);
        if (status === undefined || (status >= 500 && !notBegun.includes(status))) unanswered();
        throw error;
      }
    },
    { step: 'deserialize', name: 'watched', priority: 'high' },
  );
  return command;
}

/** `20261129T210900Z` (Signature Version 4). */
function dateOf(text: string): Date {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  return new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}
