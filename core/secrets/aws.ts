import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { abortError, BackupError, messageOf } from '../domain/errors.ts';
import { suggestion } from '../domain/nearest.ts';
import { clientHint, clientSettings, limitMs } from './aws-client.ts';

type Reference = { secret: string; field?: string | undefined };

/** AWS Secrets Manager. A secret is fetched once, however many of its fields are asked for; failures are not cached. */
export function awsSecrets() {
  const fetched = new Map<string, Promise<string>>();

  /** Fetches again after the failure of a shared request, which may have been aborted with the caller that made it. */
  function fetchOnce(secret: string, signal: AbortSignal): Promise<string> {
    const asked = fetchSecret(secret, signal);
    fetched.set(secret, asked);
    asked.catch(() => fetched.get(secret) === asked && fetched.delete(secret));
    return asked;
  }

  return {
    async get({ secret, field }: Reference, signal: AbortSignal): Promise<string> {
      const value = await (fetched.get(secret)?.catch(() => fetched.get(secret) ?? fetchOnce(secret, signal)) ??
        fetchOnce(secret, signal));
      return field === undefined ? whole(value, secret) : fieldOf(value, secret, field);
    },
  };
}

async function fetchSecret(secret: string, signal: AbortSignal): Promise<string> {
  const { GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
  let client: SecretsManagerClient | undefined;
  try {
    client = await connect(secret);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    const { SecretString: value } = await client.send(new GetSecretValueCommand({ SecretId: secret }), {
      abortSignal: limit,
    });
    if (value === undefined) throw missing(secret, 'holds bytes, not text');
    return value;
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    throw signal.aborted ? abortError(signal) : explained(secret, cause);
  } finally {
    client?.destroy();
  }
}

/** A secret given by name is looked for in the environment's region. */
async function connect(secret: string): Promise<SecretsManagerClient> {
  const { SecretsManagerClient: Client } = await import('@aws-sdk/client-secrets-manager');
  return new Client(clientSettings('secretsmanager', secret));
}

function whole(value: string, secret: string): string {
  if (value === '') throw missing(secret, 'is empty');
  return value;
}

function fieldOf(value: string, secret: string, field: string): string {
  const fields = parsed(value);
  if (fields === undefined)
    throw missing(secret, `is no JSON object, so it has no field ${field}`, 'leave field out to use the whole secret');
  const found = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if ((typeof found === 'string' && found !== '') || typeof found === 'number') return String(found);
  throw missing(
    secret,
    `has no field ${field}${found === undefined ? suggestion(field, Object.keys(fields)) : ' that is text'}`,
  );
}

/** JSON.parse quotes the secret in its error, so no cause is kept. */
function parsed(value: string): Record<string, unknown> | undefined {
  try {
    const found: unknown = JSON.parse(value);
    return typeof found === 'object' && found !== null && !Array.isArray(found)
      ? (found as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function explained(secret: string, cause: unknown): BackupError {
  const name = cause instanceof Error ? cause.name : '';
  const hints: Record<string, string> = {
    ResourceNotFoundException: 'check its name, the account and the region (AWS_REGION)',
    AccessDeniedException: 'allow secretsmanager:GetSecretValue on it, and kms:Decrypt on its key',
  };
  const hint = hints[name] ?? clientHint(cause, 'the secret') ?? 'is Secrets Manager reachable from here?';
  return missing(secret, `can't be read: ${messageOf(cause)}`, hint, cause);
}

function missing(secret: string, why: string, hint?: string, cause?: unknown): BackupError {
  return new BackupError('secret-missing', `the secret ${secret} in AWS Secrets Manager ${why}`, { hint, cause });
}
