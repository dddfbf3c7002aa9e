const connectionMs = 5_000;
const answerMs = 10_000;
const attempts = 3;
/** Longest wait for an answer, with all attempts. */
export const limitMs = 30_000;

/** How a small service of AWS is asked: every wait has a limit. An ARN names its region (AWS General Reference). */
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

/** What to do about an error that says nothing of the service itself; undefined where it does. */
export function clientHint(cause: unknown, named: string): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (cause.name === 'CredentialsProviderError') return noLogin;
  return /region is missing/i.test(cause.message) ? `set AWS_REGION, or name ${named} by its ARN` : undefined;
}
