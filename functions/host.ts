import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { compose } from '../core/compose.ts';
import type { Nightjar } from '../core/compose.ts';
import { parseConfig } from '../core/config-file.ts';
import { functionEnvironmentSchema } from '../core/contract/events.ts';
import { BackupError } from '../core/domain/errors.ts';
import type { Report } from '../core/ports.ts';
import { limitsOf } from './deadline.ts';
import { failureOf, thrownOf } from './failure.ts';
import { invocationIdentity } from './identity.ts';
import type { InvocationIdentity, LambdaContext } from './identity.ts';
import { jsonLog, reportTo, without } from './log.ts';

export type Invocation = Nightjar & { identity: InvocationIdentity; report: Report; seconds(): number };

type Job<E, R> = {
  /** For messages: `backup`. */
  verb: string;
  read(event: unknown): E;
  work(event: E, invocation: Invocation, signal: AbortSignal): Promise<R>;
};

/** A Lambda handler: reads the event, puts Nightjar together, works within the deadline, and logs start, end and failure. Throws what Lambda is to show. */
export function lambdaHandler<E extends { source: string }, R extends object>({ verb, read, work }: Job<E, R>): (event: unknown, context: LambdaContext) => Promise<R> {
  return async (event, context) => {
    const began = Date.now();
    const seconds = (): number => Math.round((Date.now() - began) / 100) / 10;
    const identity = invocationIdentity(context, process.env['AWS_LAMBDA_INITIALIZATION_TYPE']);
    const secrets = roleSecrets();
    const fields: Record<string, unknown> = { requestId: context.awsRequestId, run: identity.run, verb };
    const log = jsonLog({ fields, now: () => new Date(), write: (line) => process.stdout.write(line), secrets });
    const limits = limitsOf(verb, context.getRemainingTimeInMillis());
    try {
      const wanted = read(event);
      fields['source'] = wanted.source;
      log('INFO', 'start', { event: wanted });
      const result = await within(identity, limits.signal, (nightjar) => work(wanted, { ...nightjar, identity, report: reportTo(log), seconds }, limits.signal));
      log('INFO', 'end', { result });
      return result;
    } catch (error) {
      const failure = failureOf(error, limits.signal);
      const { code, message, hint, cause } = failure;
      log('ERROR', 'failed', { code, error: message, hint, seconds: seconds(), ...(code === 'internal' && cause instanceof Error && { stack: cause.stack }) });
      throw thrownOf(new BackupError(code, without(message, secrets()), { hint }));
    } finally {
      limits.release();
    }
  };
}

async function within<R>(identity: InvocationIdentity, signal: AbortSignal, work: (nightjar: Nightjar) => Promise<R>): Promise<R> {
  const { LAMBDA_TASK_ROOT: bundle, NIGHTJAR_CONFIG: file, NIGHTJAR_TOOLS: layer } = functionEnvironmentSchema.parse(process.env);
  const path = resolve(bundle, file);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BackupError('config-invalid', `the configuration ${path} can't be read`, { hint: 'it belongs into the bundle, or NIGHTJAR_CONFIG names another file', cause });
  });
  const config = parseConfig(text, file);
  const nightjar = await compose(config, { env: process.env, folder: dirname(path), identity, layer: async () => layer }, signal);
  try {
    return await work(nightjar);
  } finally {
    nightjar.close();
  }
}

/** What the execution role's credentials consist of: a driver's words could hold them. */
function roleSecrets(): () => string[] {
  return () => ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].flatMap((name) => process.env[name] ?? []);
}
