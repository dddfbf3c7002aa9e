import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../../core/contract/config/config.ts';
import type { NotifierConfig } from '../../core/contract/config/notify.ts';

/** What Secrets Manager appends to a secret's name in its ARN: a hyphen and six characters. */
const anyTail = '-??????';

/** Names or ARNs of the secrets for notifying, which every function does. */
export function secretsOfTelling({ notify }: Pick<Config, 'notify'>): string[] {
  return notify.flatMap(({ slack, telegram, webhook }: NotifierConfig) =>
    namesIn([slack, telegram?.token, webhook?.url, webhook?.key]),
  );
}

/** Names or ARNs of the secrets that only the check needs: nobody else calls a heartbeat. */
export function secretsOfCheck({ hooks }: Pick<Config, 'hooks'>): string[] {
  return namesIn(hooks.map(({ heartbeat }) => heartbeat));
}

/**
 * The ARNs of a secret for policies, with the random tail open if it is unknown. A text that ends like a tail may
 * include it (`…:secret:shop-AbCdEf`) or may be a name without it (`…:secret:rds-master`): both are allowed.
 */
export function secretArns(scope: Construct, secret: string): string[] {
  if (secret.startsWith('arn:'))
    return /-[A-Za-z0-9]{6}$/.test(secret) ? [secret, `${secret}${anyTail}`] : [`${secret}${anyTail}`];
  const named = Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: `${secret}${anyTail}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return [named];
}

/** Names or ARNs of the secrets in Secrets Manager that the references name. */
export function namesIn(references: readonly unknown[]): string[] {
  return references.flatMap((reference) =>
    typeof reference === 'object' && reference !== null && 'secret' in reference ? [String(reference.secret)] : [],
  );
}
