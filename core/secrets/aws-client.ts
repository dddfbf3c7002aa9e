const connectionMs = 5_000;
const answerMs = 10_000;
const attempts = 3;
/** Longest wait for an answer, including all attempts. */
export const limitMs = 30_000;

/**
 * Client settings for a small AWS service, with a limit for every wait. An ARN names its region (AWS General
 * Reference).
 */
export function clientSettings(service: string, name: string) {
  const [, region] = new RegExp(`^arn:[^:]*:${service}:([^:]+):`).exec(name) ?? [];
  return {
    ...(region === undefined ? {} : { region }),
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: connectionMs, requestTimeout: answerMs, throwOnRequestTimeout: true },
  };
}

const noLogin =
  'log in to AWS: the SDK looks at the environment, the profile (AWS_PROFILE) and the role of the machine';

/** What to do about an error that is not specific to the service; undefined if it is. */
export function clientHint(cause: unknown, named: string): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (cause.name === 'CredentialsProviderError') return noLogin;
  return /region is missing/i.test(cause.message) ? `set AWS_REGION, or name ${named} by its ARN` : undefined;
}
