import type { PutObjectCommand } from '@aws-sdk/client-s3';
import { statusOf } from '../errors.ts';

/**
 * What is seen of each attempt at a request: the date that it is signed with, and that no answer came that says what
 * became of it.
 */
export type Watch = { signed?(date: Date): void; unanswered?(): void };

/**
 * What a store, or a proxy before it, answers to what it does not begin with. Any other error of a server may be that of
 * a proxy that waited no longer for a store that is still at work.
 */
const notBegun = [501, 503];

/** Has a request watched between its signature and its way to the store; what `signed` throws keeps it from going. */
export function watched(command: PutObjectCommand, { signed, unanswered }: Watch): PutObjectCommand {
  command.middlewareStack.add(
    (next) => async (args) => {
      const { headers = {} } = args.request as { headers?: Record<string, string> };
      signed?.(dateOf(headers['x-amz-date'] ?? ''));
      try {
        return await next(args);
      } catch (error) {
        const status = statusOf(error);
        if (status === undefined || (status >= 500 && !notBegun.includes(status))) unanswered?.();
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
