import { abortError, BackupError, isBackupError, messageOf } from '../../../domain/errors.ts';
import { formatDuration } from '../../../domain/units.ts';
import { sleep } from '../../../pipeline/waiting.ts';
import { dismiss, exchange } from './exchange.ts';
import type { HttpAnswered, HttpAsked } from './exchange.ts';
import { basic, challengeOf, fetchToken, refusedLogin } from './token.ts';
import type { RegistryLogin, TokenScope } from './token.ts';

/** A registry, and how to reach it. `url`: the root of its API. */
export type RegistryDoor = { url: URL; ca?: string | undefined; login?: RegistryLogin | undefined };

/** One request to a registry; `path` is relative to the registry, or a full URL that it returned. */
export type RegistryRequest = Omit<HttpAsked, 'url'> & {
  path: string | URL;
  scope: TokenScope;
  /** It can't be repeated, because its body is consumed. */
  once?: boolean;
};

/** Sends requests to one registry, with whatever login it asks for. */
export type AskRegistry = (request: RegistryRequest, signal: AbortSignal) => Promise<HttpAnswered>;

const limits = { tries: 4, firstWaitMs: 500, longestWaitMs: 60_000, redirects: 5 };
/** A token is not used up to its last moment. */
const tokenMarginMs = 10_000;

/**
 * Retries 429, 5xx and broken connections within limits, after the time that the registry asks for. Follows redirects,
 * without secrets if they lead elsewhere, and never from TLS to plain text.
 */
export function askingOf({ url: registry, ca, login }: RegistryDoor): AskRegistry {
  let isBasic = false;
  const tokens = new Map<TokenScope, { token: string; until: number }>();

  function authorization(scope: TokenScope): Record<string, string> {
    const known = tokens.get(scope);
    if (known !== undefined && known.until > performance.now()) return { authorization: `Bearer ${known.token}` };
    return isBasic && login !== undefined ? { authorization: basic(login) } : {};
  }

  /** Follows redirects. Headers for the registry are sent only to the registry. */
  async function followed(request: RegistryRequest, signal: AbortSignal): Promise<HttpAnswered> {
    const { path, scope, ...asked } = request;
    let url = new URL(path, registry);
    for (let left = limits.redirects; ; left -= 1) {
      const isOwn = url.origin === registry.origin;
      const headers = { ...asked.headers, ...(isOwn && authorization(scope)) };
      const answer = await exchange({ ...asked, headers, url }, isOwn ? ca : undefined, signal);
      const { location } = answer.headers;
      const isRead = asked.method === 'GET' || asked.method === 'HEAD';
      if (!isRead || location === undefined || answer.status < 301 || answer.status > 308) return answer;
      dismiss(answer);
      url = redirected(location, url, left);
    }
  }

  /** Gets what a 401 asks for; false if that is impossible. */
  async function authorize(answer: HttpAnswered, scope: TokenScope, signal: AbortSignal): Promise<boolean> {
    const challenge = challengeOf(answer);
    if (challenge === undefined) return false;
    if (challenge.scheme === 'basic') {
      if (isBasic || login === undefined) return false;
      isBasic = true;
      return true;
    }
    const { token, lifeMs } = await fetchToken({ registry, challenge, scope, login, ca }, signal);
    tokens.set(scope, { token, until: performance.now() + Math.max(lifeMs - tokenMarginMs, lifeMs / 2) });
    return true;
  }

  return async (request, signal) => {
    let isAuthorized = false;
    for (let tried = 1; ; tried += 1) {
      const answer = await followed(request, signal).catch((error: unknown) => brokenOff(error, registry, signal));
      if (!isBackupError(answer) && answer.status === 401) {
        if (isAuthorized || !(await authorize(answer, request.scope, signal))) throw refusedLogin(registry, login);
        isAuthorized = true;
        dismiss(answer);
        if (request.once === true) throw refusedLogin(registry, login);
        tried -= 1;
        continue;
      }
      const pauseMs = pauseAfter(answer, tried);
      if (pauseMs === undefined || request.once === true || tried === limits.tries) {
        if (isBackupError(answer)) throw answer;
        return answer;
      }
      if (!isBackupError(answer)) dismiss(answer);
      await sleep(pauseMs, signal);
    }
  };
}

function redirected(location: string, from: URL, left: number): URL {
  const to = URL.parse(location, from.href);
  if (to !== null && left > 0 && (to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')))
    return to;
  const why = left > 0 ? 'to a place without TLS' : 'without end';
  throw new BackupError('source-unreachable', `${from.host} sends us on ${why}`, { hint: 'ask who runs the registry' });
}

/** How long to wait before the next attempt; undefined if there is none. */
function pauseAfter(answer: HttpAnswered | BackupError, tried: number): number | undefined {
  const usualMs = limits.firstWaitMs * 2 ** (tried - 1);
  if (isBackupError(answer)) return isBackupError(answer.cause) ? undefined : usualMs;
  if (answer.status !== 429 && answer.status !== 408 && answer.status < 500) return undefined;
  const after = Number(answer.headers['retry-after'] ?? Number.NaN) * 1000;
  if (Number.isNaN(after)) return usualMs;
  return after > limits.longestWaitMs ? undefined : after;
}

/** The error for a connection that failed or broke. BackupErrors are rethrown. */
function brokenOff(error: unknown, registry: URL, signal: AbortSignal): BackupError {
  if (signal.aborted) throw abortError(signal);
  if (isBackupError(error)) throw error;
  const words = messageOf(error) || String((error as NodeJS.ErrnoException).code ?? 'no connection');
  return new BackupError('source-unreachable', `${registry.host} can't be reached: ${words}`, {
    hint: remedyFor(error, words, registry),
    cause: error,
  });
}

function remedyFor(error: unknown, words: string, { host, protocol }: URL): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return `nothing listens at ${host}: is the registry up, and are name and port right?`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `no name server knows ${host}: correct ref, or wait for the network`;
  if (/wrong version number|EPROTO|packet length/i.test(`${words} ${code}`))
    return 'this registry offers no TLS: switch it on there, or, where nobody listens on the way, write tls: off';
  if (/certificate|altnames/i.test(words))
    return "the registry's certificate is checked: tls: { ca: ./authority.pem } names the authority that signed it";
  if (/within|nothing/.test(words))
    return `the registry gives no answer in time: is a firewall between? (${formatDuration(60_000)} are waited)`;
  return protocol === 'http:' ? 'does this registry want TLS? then write tls: verify' : 'run it again';
}
