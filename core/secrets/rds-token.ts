import type { Signer } from '@aws-sdk/rds-signer';
import { abortError, BackupError, messageOf } from '../domain/errors.ts';
import { rdsRegion } from '../domain/tools/rds-endpoint.ts';
import type { Token } from '../ports.ts';

export type TokenOf = {
  host: string;
  port: number;
  user: string /** `db-…`, `cluster-…` or `prx-…`, for messages. */;
  resourceId?: string | undefined;
};

const limitMs = 30_000;

/**
 * IAM database authentication: instead of a password, a signed request to the server, which is accepted for 15 minutes
 * to begin a connection (Amazon RDS user guide, IAM database authentication). The region is that of the host's name,
 * else the environment's.
 */
export function rdsToken({ host, port, user, resourceId }: TokenOf): Token {
  const region = rdsRegion(host);
  let signer: Promise<Signer> | undefined;
  return {
    async make(signal) {
      if (signal.aborted) throw abortError(signal);
      // it looks for credentials once, and again when they expire
      signer ??= import('@aws-sdk/rds-signer').then(
        ({ Signer: Made }) =>
          new Made({ hostname: host, port, username: user, ...(region !== undefined && { region }) }),
      );
      try {
        return await within(
          signer.then((made) => made.getAuthToken()),
          signal,
        );
      } catch (cause) {
        throw signal.aborted ? abortError(signal) : explained(cause, `${user}@${host}:${port}`);
      }
    },
    refusedHint: refusedHint(user, region, resourceId),
  };
}

function refusedHint(user: string, region = '<region>', resourceId = '<resource id>'): string {
  const partition = /^cn-/.test(region) ? 'aws-cn' : /^us-gov-/.test(region) ? 'aws-us-gov' : 'aws';
  return [
    'the token was made, and the server refuses it: allow this role rds-db:connect on ' +
      `arn:${partition}:rds-db:${region}:<account>:dbuser:${resourceId}/${user}`,
    'switch IAM database authentication on for the server',
    `give the user that way in (PostgreSQL: GRANT rds_iam TO ${user}; MySQL and MariaDB: IDENTIFIED WITH ` +
      `AWSAuthenticationPlugin AS 'RDS')`,
    'and name the endpoint of RDS itself as the host, no name of your own for it',
  ].join('; ');
}

/** Credentials are looked for in several places, some of which answer slowly or not at all. */
async function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(limit.reason);
  limit.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, late]);
  } finally {
    limit.removeEventListener('abort', onAbort);
  }
}

function explained(cause: unknown, place: string): BackupError {
  const words = messageOf(cause);
  const hint = /region is missing/i.test(words)
    ? 'set AWS_REGION: the name of the host is no endpoint of RDS, which would tell it; or name that endpoint'
    : 'log in to AWS: the SDK looks at the environment, the profile (AWS_PROFILE) and the role of the machine';
  return new BackupError(
    'secret-missing',
    `no token of IAM database authentication could be made for ${place}: ${words}`,
    { hint, cause },
  );
}
