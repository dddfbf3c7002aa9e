import { setTimeout as wait } from 'node:timers/promises';
import { abortError, BackupError, messageOf } from '../../domain/errors.ts';
import { formatDuration } from '../../domain/units.ts';

/** One request to a service that is notified. */
export type Post = {
  /** Who is told, for messages. */
  to: string;
  /** May hold a secret, so no message shows it. */
  url: string;
  /** Called for every attempt, because a signature includes the time. */
  content(): { headers: Record<string, string>; body: string };
  /** Removed from every message, like the URL. */
  secrets: readonly string[];
  /** The time to wait that an answer asks for, in milliseconds, beside Retry-After, and the reason it gives. */
  read?: (answer: string) => { waitMs?: number | undefined; why?: string | undefined };
  /** Why a 2xx answer does not mean success; undefined if it does. */
  refused?: (answer: Answer) => string | undefined;
};
/** `text`: its beginning. `type`: its content type. */
export type Answer = { status: number; text: string; type: string };

/** Waits and attempts. A service limited to one message a second stays well below them. */
export const postLimits = { attempts: 4, attemptMs: 10_000, firstWaitMs: 500, longestWaitMs: 30_000, totalMs: 75_000 };
export type PostLimits = typeof postLimits;

const answerBytes = 4096;
const shownAnswer = 200;

/**
 * Posts until the other side confirms by a 2xx answer that `refused` accepts. Retries after 429, 5xx and broken
 * connections, when the other side asks for it (RFC 9110, Retry-After: seconds or a date). Follows no redirects,
 * because they would pass the secret on. Throws `notify-failed`.
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

/** A broken connection counts as an answer with status 0. */
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

/** The other side's words without what may be secret in the address. Our own words never quote it. */
function unread({ url, secrets }: Post, said: string): string {
  const { pathname, search } = new URL(url);
  return [url, ...secrets, pathname.slice(1), search.slice(1)]
    .filter((secret) => secret.length > 3)
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), said);
}

/** No cause: the library's message may quote the URL. */
function failed({ to }: Post, why: string, afterMs?: number): BackupError {
  return new BackupError('notify-failed', `${to} ${why}`, {
    hint: 'correct the address or the token where it is kept, then: nightjar notify',
    afterMs,
  });
}
