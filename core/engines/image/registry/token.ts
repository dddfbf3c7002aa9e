import * as z from 'zod';
import { BackupError } from '../../../domain/errors.ts';
import { jsonOf } from '../documents.ts';
import { beginningOf, exchange } from './exchange.ts';
import type { HttpAnswered } from './exchange.ts';

/** The login for a registry; absent where anybody may read. */
export type RegistryLogin = { username: string; password: string };

/** What a registry demands in a request, from its 401 answer (RFC 9110, WWW-Authenticate). */
export type Challenge = { scheme: 'basic' } | { scheme: 'bearer'; realm: string; service: string | undefined };

/** `repository:shop/app:pull`, `repository:shop/app:pull,push`. */
export type TokenScope = string;

const tokenSchema = z.looseObject({
  token: z.string().min(1).optional(),
  access_token: z.string().min(1).optional(),
  expires_in: z.number().positive().optional(),
});
const largestAnswer = 256 * 1024;
/** "If omitted, this defaults to 60 seconds" (distribution, spec/auth/token). */
const usualLifeS = 60;

/** What an answer demands; undefined if it is unknown. */
export function challengeOf({ headers }: Pick<HttpAnswered, 'headers'>): Challenge | undefined {
  const text = headers['www-authenticate'] ?? '';
  const [, scheme = ''] = /^\s*(\w+)/.exec(text) ?? [];
  const fields = new Map(
    [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name!.toLowerCase(), value!]),
  );
  if (/^basic$/i.test(scheme)) return { scheme: 'basic' };
  const realm = fields.get('realm');
  if (!/^bearer$/i.test(scheme) || realm === undefined) return undefined;
  return { scheme: 'bearer', realm, service: fields.get('service') };
}

export function basic({ username, password }: RegistryLogin): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** What is needed to fetch a token. */
type TokenRequest = {
  registry: URL;
  challenge: Challenge & { scheme: 'bearer' };
  scope: TokenScope;
  login: RegistryLogin | undefined;
  ca: string | undefined;
};

/** Fetches a token where the registry says. `lifeMs`: how long it is valid. */
export async function fetchToken(
  { registry, challenge, scope, login, ca }: TokenRequest,
  signal: AbortSignal,
): Promise<{ token: string; lifeMs: number }> {
  const url = realmOf(challenge.realm, registry);
  if (challenge.service !== undefined) url.searchParams.set('service', challenge.service);
  url.searchParams.set('scope', scope);
  const headers = login === undefined ? {} : { authorization: basic(login) };
  const answer = await exchange({ method: 'GET', url, headers }, ca, signal);
  const body = await beginningOf(answer, largestAnswer, signal);
  if (answer.status === 401 || answer.status === 403) throw refusedLogin(registry, login);
  const { data } = tokenSchema.safeParse(jsonOf(body));
  const token = data?.token ?? data?.access_token;
  if (answer.status !== 200 || token === undefined)
    throw new BackupError('source-unreachable', `${url.host} gives no token for ${registry.host}: ${answer.status}`, {
      hint: 'the registry names it as the place of its tokens: try again, or ask who runs it',
    });
  return { token, lifeMs: (data?.expires_in ?? usualLifeS) * 1000 };
}

/** The password is sent there: only over TLS, unless the registry itself, on the same host, is reached without. */
function realmOf(realm: string, registry: URL): URL {
  const url = URL.parse(realm);
  const isPlainAsItself =
    url?.protocol === 'http:' && registry.protocol === 'http:' && url.hostname === registry.hostname;
  if (url !== null && (url.protocol === 'https:' || isPlainAsItself) && url.username === '') return url;
  throw new BackupError('source-unreachable', `${registry.host} wants its tokens fetched from a place without TLS`, {
    hint: 'nothing was sent there: ask who runs the registry',
  });
}

/** The error if the registry, or its token service, refuses the login. */
export function refusedLogin({ host }: URL, login: RegistryLogin | undefined): BackupError {
  const who = login === undefined ? 'a request without a login' : `the login of ${login.username}`;
  return new BackupError('source-unreachable', `${host} refuses ${who}`, {
    hint:
      login === undefined
        ? 'give it one: username and password of the source; or is the name of the repository right?'
        : 'look at username and password; at many registries the password is a token, which expires',
  });
}
