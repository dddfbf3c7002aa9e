import * as z from 'zod';
import { BackupError, isBackupError, mayBeDone, messageOf } from '../../domain/errors.ts';
import { sourceSegment } from '../../domain/layout/places.ts';
import type { SourceName } from '../../domain/keys.ts';
import { requestKey, requestOfPath } from '../../domain/layout/records.ts';
import type { RequestRecord } from '../../domain/layout/records.ts';
import type { Clock, Identity, Report } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { readJson, writeJson } from '../json.ts';

type RequestDeps = { clock: Clock; identity: Identity; report: Report };

/**
 * What is to be done only once. `named`: by a name that the caller chose, so that it stays the same request for ever.
 */
export type OnceRequest<T> = {
  source: SourceName;
  request: string;
  named: boolean;
  /** Whether a result means that it has been done; otherwise it may be requested again. */
  isDone(result: T): boolean;
};

/** When a request was carried out, by which run, and with what result. */
export type CarriedOut = { at: string; run: string; result: unknown };

/**
 * How long an event without a name counts as the same request. AWS's clients repeat an invoke within their read
 * timeout, up to fifteen minutes each; Lambda's queue delivers an event again for six hours (docs/cloud.md).
 */
const sameForMs = 12 * 3_600_000;
/** Longest run of a function (AWS Lambda quotas): one that began before that has ended. */
const longestRunMs = 900_000;
const recordMs = 30_000;

export const onceMore = 'To have it done once more, add "request" with a word of your own to the event.';

const bodySchema = z.object({ at: z.iso.datetime(), run: z.string(), result: z.unknown().optional() });
type Body = z.infer<typeof bodySchema>;

/**
 * Does what a request asks for, unless it was done before: then returns that result. A record of the attempt is written
 * first, and only one of several runs can write it. Work that began without a known end may have been done, and is not
 * repeated. Throws `lease-held` while it is being done, and `input-invalid` if its end is unknown.
 */
export async function carryOutOnce<T>(
  vault: Vault,
  wanted: OnceRequest<T>,
  deps: RequestDeps,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<{ result: T } | { before: CarriedOut }> {
  const last = await lastAttempt(vault, wanted, signal);
  if (last !== undefined && last.step !== 'failed') {
    const body = await readBody(vault, wanted, last, signal);
    const age = deps.clock.now().getTime() - Date.parse(body.at);
    if (last.step === 'begun' && age < longestRunMs) throw atWork(body);
    if (wanted.named || age < sameForMs) {
      if (last.step === 'begun') throw unfinished(body);
      return { before: { ...body, result: body.result } };
    }
  }
  const attempt = (last?.attempt ?? 0) + 1;
  await begin(vault, wanted, attempt, deps, signal);
  return { result: await finishing(vault, wanted, attempt, deps, work) };
}

async function finishing<T>(
  vault: Vault,
  wanted: OnceRequest<T>,
  attempt: number,
  deps: RequestDeps,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work();
    await note(vault, wanted, { attempt, step: wanted.isDone(result) ? 'done' : 'failed' }, deps, result);
    return result;
  } catch (error) {
    // a replacement that proved different stays in place, and somebody may already use it
    if (!isBackupError(error, 'proof-failed') && !mayBeDone(error))
      await note(vault, wanted, { attempt, step: 'failed' }, deps);
    throw error;
  }
}

async function lastAttempt(
  vault: Vault,
  { source, request }: Pick<OnceRequest<unknown>, 'source' | 'request'>,
  signal: AbortSignal,
): Promise<RequestRecord | undefined> {
  const folder = `${sourceSegment(source)}/`;
  const listed = await Array.fromAsync(vault.list(`${folder}restores/${request}-`, signal));
  const records = listed.flatMap(({ key }) => requestOfPath(key.slice(folder.length)) ?? []);
  const latest = Math.max(0, ...records.map(({ attempt }) => attempt));
  const own = records.filter(({ attempt }) => attempt === latest);
  return own.find(({ step }) => step !== 'begun') ?? own[0];
}

async function readBody(
  vault: Vault,
  { source }: Pick<OnceRequest<unknown>, 'source'>,
  record: RequestRecord,
  signal: AbortSignal,
): Promise<Body> {
  const key = requestKey(source, record);
  const { data, error: cause } = bodySchema.safeParse((await readJson(vault, key, signal))?.document);
  if (data !== undefined) return data;
  throw new BackupError('input-invalid', `${vault.place}/${key}, the record of this request, can't be read`, {
    hint: `look what the database holds. ${onceMore}`,
    cause,
  });
}

async function begin(
  vault: Vault,
  { source, request }: Pick<OnceRequest<unknown>, 'source' | 'request'>,
  attempt: number,
  { clock, identity: { run } }: RequestDeps,
  signal: AbortSignal,
): Promise<void> {
  const at = clock.now().toISOString();
  try {
    await writeJson(vault, requestKey(source, { request, attempt, step: 'begun' }), { at, run }, {}, signal);
  } catch (error) {
    throw isBackupError(error, 'object-exists') ? atWork({ at, run: 'another' }, error) : error;
  }
}

/** If this record can't be written, the request counts as begun without an end and is not repeated. */
async function note(
  vault: Vault,
  { source, request }: Pick<OnceRequest<unknown>, 'source' | 'request'>,
  { attempt, step }: Pick<RequestRecord, 'attempt' | 'step'>,
  { clock, identity: { run }, report }: RequestDeps,
  result?: unknown,
): Promise<void> {
  const body: Body = { at: clock.now().toISOString(), run, result };
  const key = requestKey(source, { request, attempt, step });
  await writeJson(vault, key, body, {}, AbortSignal.timeout(recordMs)).catch((error: unknown) =>
    report({ type: 'warning', message: `how this request ended could not be recorded: ${messageOf(error)}` }),
  );
}

function atWork({ at, run }: Pick<Body, 'at' | 'run'>, cause?: unknown): BackupError {
  return new BackupError('lease-held', `this very request is being carried out by run ${run} since ${at}`, {
    hint: `wait for it to end. ${onceMore}`,
    cause,
  });
}

/** The error for a request whose end was never recorded. */
export function unfinished({ at, run }: Pick<Body, 'at' | 'run'>): BackupError {
  return new BackupError(
    'input-invalid',
    `run ${run} has begun this very request at ${at} and did not end well: it may have replaced the database; ` +
      'nothing was done now',
    { hint: `look what the database holds. ${onceMore}` },
  );
}
