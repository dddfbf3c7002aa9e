import { setTimeout as wait } from 'node:timers/promises';
import { abortError, BackupError, messageOf } from '../../domain/errors.ts';
import { formatDuration } from '../../domain/units.ts';

/** One request to somebody who is told. */
export type Post = {
  /** Who is told, for messages. */
  to: string;
  /** May hold a secret, so no message shows it. */
  url: string;
  /** Called for every attempt: a signature has a time in it. */
  content(): { headers: Record<string, string>; body: string };
  /** Taken out of every message, beside the URL. */
  secrets: readonly string[];
  /** What an answer asks to wait, in milliseconds, where that does not stand in Retry-After; and what it means. */
  read?: (answer: string) => { waitMs?: number | undefined; why?: string | undefined };
  /** Why an answer of 2xx does not say that the other side has it; undefined where it does. */
  refused?: (answer: Answer) => string | undefined;
};
/** `text`: its beginning. `type`: its content type. */
export type Answer = { status: number; text: string; type: string };

/** Waits and attempts. A caller of a service that is limited to a message a second never gets near them. */
export const postLimits = { attempts: 4, attemptMs: 10_000, firstWaitMs: 500, longestWaitMs: 30_000, totalMs: 75_000 };
export type PostLimits = typeof postLimits;

const answerBytes = 4096;
const shownAnswer = 200;

/**
 * Posts until the other side says it has it: by 2xx, and by what it answers where `refused` looks at that. 429, 5xx and
 * broken connections are tried again, after the time that the other side asks for (RFC 9110, Retry-After: seconds or a
 * date). Redirects are not followed: they would hand on what is secret. Throws `notify-failed`.
 */
export async function post(request: Post, signal: AbortSignal, limits: PostLimits = postLimits): Promise<Answer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limits.totalMs)]);
  for (let attempt = 1; ; attempt += 1) {
    const tried = await attemptOnce(request, limits, limit);
    if (signal.aborted) throw abortError(signal);
    const { waitMs, why } = verdict(tried, request);
    if (tried.status >= 200 && tried.status < 300) {
      const but = request.refused?.(tried);
      if (but === undefined) return tried;
      throw failed(request, `${why} ${but}, so nobody was told`);
    }
    const pauseMs = waitMs ?? limits.firstWaitMs * 2 ** (attempt - 1);
    if (!again(tried.status) || attempt === limits.attempts || limit.aborted)
      throw failed(request, `${why} (${attempt === 1 ? 'not tried again' : `attempt ${attempt}`})`, waitMs);
    if (pauseMs > limits.longestWaitMs)
      throw failed(request, `${why}; it asks to wait ${formatDuration(pauseMs)}, longer than a run may`, pauseMs);
    await wait(pauseMs, undefined, { signal: limit }).catch(() => {
      throw signal.aborted
        ? abortError(signal)
        : failed(request, `${why}; given up after ${formatDuration(limits.totalMs)}`, waitMs);
    });
  }
}

type Tried = Answer & { retryAfter?: string | undefined };

/** A connection that breaks is an answer, too: status 0. */
async function attemptOnce({ url, content }: Post, { attemptMs }: PostLimits, limit: AbortSignal): Promise<Tried> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      ...content(),
      redirect: 'manual',
      signal: AbortSignal.any([limit, AbortSignal.timeout(attemptMs)]),
    });
    return {
      status: response.status,
      text: await beginning(response),
      type: response.headers.get('content-type') ?? '',
      retryAfter: response.headers.get('retry-after') ?? undefined,
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const slow = cause instanceof Error && cause.name === 'TimeoutError';
    return { status: 0, type: '', text: slow ? `no answer within ${formatDuration(attemptMs)}` : messageOf(cause) };
  }
}

async function beginning({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= answerBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, answerBytes).toString();
}

function verdict({ status, text, retryAfter }: Tried, request: Post): { waitMs: number | undefined; why: string } {
  const { waitMs, why } = status === 0 ? {} : (request.read?.(text) ?? {});
  const said = unread(request, why ?? text.replace(/\s+/g, ' ').trim()).slice(0, shownAnswer);
  return {
    waitMs: waitMs ?? spanOf(retryAfter),
    why: status === 0 ? `could not be reached: ${said}` : `answered ${status}${said === '' ? '' : `: ${said}`}`,
  };
}

function spanOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const until = Date.parse(retryAfter);
  return Number.isNaN(until) ? undefined : Math.max(0, until - Date.now());
}

function again(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

/** The other side's words without what may be secret in the address. Our own words quote none of it. */
function unread({ url, secrets }: Post, said: string): string {
  const { pathname, search } = new URL(url);
  return [url, ...secrets, pathname.slice(1), search.slice(1)]
    .filter((secret) => secret.length > 3)
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), said);
}

/** No cause: what the library says may quote the URL. */
function failed({ to }: Post, why: string, afterMs?: number): BackupError {
  return new BackupError('notify-failed', `${to} ${why}`, {
    hint: 'correct the address or the token where it is kept, then: nightjar notify',
    afterMs,
  });
}
