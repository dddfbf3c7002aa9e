import { SNSClient } from '@aws-sdk/client-sns';
import { setTimeout as sleep } from 'node:timers/promises';
import { elements, query, signed } from '../real/cloud/policy/signed.ts';
import type { Asking, Keys, Place } from '../real/cloud/policy/signed.ts';

/** An account and region of AWS, or of an emulator, and how to ask something of it. */
export type Account = {
  /** Twelve digits, as STS says them of whoever asks. */
  account: string;
  region: string;
  /** An emulator's; undefined on AWS itself. */
  endpoint: string | undefined;
  call(asking: Asking): Promise<string>;
  query(service: string, action: string, input?: Record<string, string>): Promise<string>;
  /** Answers what the function answered, or its error as `{ errorType, errorMessage }`. */
  invoke(functionName: string, event: object): Promise<Answer>;
};

/** What a function answers: an object of its own keys. */
export type Answer = Record<string, unknown> & { status?: string; errorType?: string; errorMessage?: string };

/** undici gives up a request that has no answer for five minutes; a small database takes less. */
const invokeMs = 290_000;

/**
 * Whose account this is: the first call to AWS, and the only one before the price was told. `endpoint` is an emulator's;
 * without it, AWS itself.
 */
export async function openAccount(region: string, endpoint = process.env['AWS_ENDPOINT_URL']): Promise<Account> {
  const keys = await credentials(region);
  const place = (service: string): Place => ({
    region,
    endpoint: endpoint ?? `https://${service}.${region}.amazonaws.com`,
  });
  const call = (asking: Asking): Promise<string> => signed(place(asking.service), keys, asking);
  const ask = (service: string, action: string, input: Record<string, string> = {}): Promise<string> =>
    query(place(service), keys, service, action, input);
  const [account] = elements(await ask('sts', 'GetCallerIdentity'), 'Account');
  return {
    account: account ?? '',
    region,
    endpoint,
    call,
    query: ask,
    async invoke(functionName, event) {
      const path = `/2015-03-31/functions/${functionName}/invocations`;
      return JSON.parse(
        await call({ service: 'lambda', path, body: JSON.stringify(event), limitMs: invokeMs }),
      ) as Answer;
    },
  };
}

/** Those that every client of AWS finds: environment, profile, role. */
async function credentials(region: string): Promise<Keys> {
  const client = new SNSClient({ region });
  try {
    const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials();
    return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  } finally {
    client.destroy();
  }
}

/** Asks again until something is there, less and less often. Throws when it takes too long. */
export async function until<T>(
  what: string,
  limitMs: number,
  signal: AbortSignal,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 15_000)) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await sleep(waitMs, undefined, { signal: limit }).catch(() => {
      throw new Error(signal.aborted ? `stopped while waiting for ${what}` : `${what}: not after ${limitMs / 1000} s`);
    });
  }
}
