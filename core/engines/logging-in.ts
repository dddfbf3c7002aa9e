import { tlsChoice } from '../contract/config/sources/server.ts';
import type { ServerConfig } from '../contract/config/sources/server.ts';
import { BackupError } from '../domain/errors.ts';
import { authoritiesOf, authorityRegion, missingAuthorityHint } from '../domain/tools/rds-endpoint.ts';
import type { EngineSurroundings } from '../surroundings.ts';
import { readBundle } from '../tools.ts';
import type { SourceOf } from './descriptor.ts';
import type { Login } from './login.ts';

/** The login that `key` of the configuration describes, with its secrets read. */
export async function logIn(
  key: string,
  { at: server, lockTimeoutMs, idleTimeoutMs, parallel, cloud, keepReplacedMs }: SourceOf<ServerConfig>,
  from: EngineSurroundings,
  signal: AbortSignal,
): Promise<Login> {
  const tls = tlsChoice(server);
  // read before the database clients are fetched, which takes a minute, because it may be missing
  const user = await from.read(`${key}.user`, server.user, signal);
  const password =
    server.password === 'iam'
      ? from.token({ ...server, user, resourceId: cloud.resourceId })
      : server.password && (await from.read(`${key}.password`, server.password, signal));
  const ownAuthority = tls.mode === 'off' || isBrought(tls.ca) ? undefined : from.path(tls.ca);
  if (ownAuthority !== undefined) await from.authority(`${key}.tls.ca`, ownAuthority);
  const { certificates } = await from.tools(signal);
  if (tls.mode === 'verify' && tls.ca === 'rds') await requireAuthority(server.host, certificates.rds);
  const ca = tls.mode === 'off' ? '' : isBrought(tls.ca) ? certificates[tls.ca] : ownAuthority!;
  return {
    host: server.host,
    port: server.port,
    user,
    password,
    database: server.database ?? '',
    tls: tls.mode === 'off' ? tls : { mode: 'verify', ca },
    lockTimeoutMs,
    ...(keepReplacedMs !== undefined && { keepReplacedMs }),
    idleLimitMs: idleTimeoutMs,
    parallel,
  };
}

/**
 * Throws `tools-missing` if no authority of the layer can have signed for an RDS endpoint: the connection would fail
 * with a less helpful message.
 */
async function requireAuthority(host: string, bundle: string): Promise<void> {
  const region = authorityRegion(host);
  if (region === undefined || authoritiesOf(region, await readBundle(bundle)).length > 0) return;
  throw new BackupError(
    'tools-missing',
    `${host} can't be verified: the layer has no authority of Amazon RDS for ${region}`,
    { hint: missingAuthorityHint(region) },
  );
}

/** Whether these authorities come with the database clients. */
function isBrought(ca: string): ca is 'rds' | 'public' {
  return ca === 'rds' || ca === 'public';
}
