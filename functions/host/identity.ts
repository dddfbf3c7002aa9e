import { createHash } from 'node:crypto';
import type { Identity } from '../../core/ports.ts';
import { isBackupError } from '../../core/domain/errors.ts';

export type LambdaContext = {
  awsRequestId: string;
  functionName: string;
  invokedFunctionArn: string;
  logStreamName: string;
  getRemainingTimeInMillis(): number;
};

/** What is the same in an event each time it is delivered. */
export type Occasion = { source?: string | undefined; scheduled?: string | undefined };

/** An invocation's identity for the lease, and the holder that it met there. */
export type InvocationIdentity = Identity & {
  /** Who held the lease when we asked for it. */
  met(): { holder: string; sameRequest: boolean } | undefined;
};

/** Kinds of environment that never run two invocations in parallel; managed instances do. */
const oneAtATime = ['on-demand', 'provisioned-concurrency', 'snap-start'];

/**
 * The run id is the beginning of the request id, which stays the same when Lambda retries. For a scheduled start it is
 * made of the source and the scheduled moment, because the Scheduler may deliver that twice, in two requests. A log
 * stream belongs to one execution environment. If that runs one invocation at a time, which `initialization`
 * (AWS_LAMBDA_INITIALIZATION_TYPE) tells, another holder with our log stream is a run that was killed.
 */
export function invocationIdentity(
  { awsRequestId, functionName, logStreamName }: Omit<LambdaContext, 'invokedFunctionArn'>,
  initialization: string | undefined,
  { source, scheduled }: Occasion = {},
): InvocationIdentity {
  const alone = oneAtATime.includes(initialization ?? '');
  const place = `lambda ${functionName} ${logStreamName} request `;
  const ours = ` request ${awsRequestId}`;
  let met: string | undefined;
  return {
    run:
      scheduled === undefined
        ? awsRequestId.slice(0, 8)
        : createHash('sha256').update(`${scheduled} ${source}`).digest('hex').slice(0, 8),
    holder: `${place}${awsRequestId}`,
    isGone(holder) {
      met = holder;
      return alone && holder.startsWith(place);
    },
    isOurs: (holder) => holder.startsWith('lambda ') && holder.endsWith(ours),
    met: () => (met === undefined ? undefined : { holder: met, sameRequest: met.endsWith(ours) }),
  };
}

/**
 * The holder that is doing the same work at this moment, so that ours is skipped. Undefined for every other failure,
 * and for an earlier attempt at this very request, which may have been killed: then ours fails, and Lambda retries.
 */
export function otherHolder(error: unknown, identity: InvocationIdentity): string | undefined {
  if (!isBackupError(error, 'lease-held')) return undefined;
  if (isBackupError(error.cause, 'object-exists')) return 'a run that began at the same moment';
  const met = identity.met();
  return met?.sameRequest ? undefined : met?.holder;
}

/** A number in [0, 1) that is the same for the same run, so that the ids it makes have the same end. */
export function ofRun(run: string): number {
  return createHash('sha256').update(run).digest().readUIntBE(0, 3) / 0x1000000;
}
