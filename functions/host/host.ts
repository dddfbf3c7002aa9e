import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runAndReport } from '../../core/telling/run-and-report.ts';
import type { ReportedRun, RunHost } from '../../core/telling/run-and-report.ts';
import { compose, openMemory, openTelling } from '../../core/compose.ts';
import type { Nightjar } from '../../core/compose.ts';
import { parseConfig, toldByText } from '../../core/config-file.ts';
import type { ToldBy } from '../../core/contract/config/config.ts';
import { functionEnvironmentSchema } from '../../core/contract/events/requests.ts';
import { BackupError } from '../../core/domain/errors.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import type { Verb } from '../../core/domain/messages/run.ts';
import { relaxGarbageCollection } from '../../core/pipeline/memory/relax-garbage.ts';
import type { Report } from '../../core/ports.ts';
import { readToolsFacts } from '../../core/tools.ts';
import { limitsOf } from './deadline.ts';
import { failureOf, thrownOf } from './failure.ts';
import { invocationIdentity, ofRun } from './identity.ts';
import type { InvocationIdentity, LambdaContext, Occasion } from './identity.ts';
import { jsonLog, reportTo, without } from './log.ts';

export type Invocation = Nightjar & {
  identity: InvocationIdentity;
  /** Of this function, as it was invoked. */
  arn: string;
  report: Report;
  seconds(): number;
};

type HandlerJob<E, R> = {
  verb: Verb;
  read(event: unknown): E;
  work(event: E, invocation: Invocation, signal: AbortSignal): Promise<R>;
  /** What is told of a result that is not all it should be: it is answered all the same. */
  failureOf?(result: R): BackupError | undefined;
};

/** Left for the answer when telling takes long. */
const answerMs = 500;
const leastTellingMs = 1_000;
/** A source has a run of its own of these, and many fail at the same moment where a server or the vault does. */
const oneForEach: readonly Verb[] = ['backup', 'rotation', 'drill', 'copy'];
/** So long such a run waits for what others have to say, and for no more of its time than a quarter. */
const gatherMs = 20_000;

/**
 * A Lambda handler: reads the event, puts Nightjar together, works within the deadline, tells how it ended, and logs
 * start, end and failure. Throws what Lambda is to show.
 */
export function lambdaHandler<E extends Occasion, R extends object>({
  verb,
  read,
  work,
  failureOf: failureIn = () => undefined,
}: HandlerJob<E, R>): (event: unknown, context: LambdaContext) => Promise<R> {
  relaxGarbageCollection();
  return async (event, context) => {
    const began = Date.now();
    const seconds = (): number => Math.round((Date.now() - began) / 100) / 10;
    const wanted = attempt(() => read(event));
    const identity = invocationIdentity(context, process.env['AWS_LAMBDA_INITIALIZATION_TYPE'], wanted.value);
    const secrets = roleSecrets();
    const fields: Record<string, unknown> = { requestId: context.awsRequestId, run: identity.run, verb };
    const log = jsonLog({ fields, now: () => new Date(), write: (line) => process.stdout.write(line), secrets });
    const limits = limitsOf(verb, context.getRemainingTimeInMillis());
    const explain = (error: unknown): BackupError => {
      const { code, message, hint, cause } = failureOf(error, limits.signal);
      return new BackupError(code, without(message, secrets()), { hint, cause });
    };
    const limit = (): AbortSignal =>
      AbortSignal.timeout(Math.max(leastTellingMs, context.getRemainingTimeInMillis() - answerMs));
    const gatherOthers = (): Promise<void> => wait(Math.min(gatherMs, context.getRemainingTimeInMillis() / 4));
    try {
      const source = wanted.value?.source as SourceName | undefined;
      fields['source'] = source;
      if (wanted.value !== undefined) log('INFO', 'start', { event: wanted.value });
      const result = await within(
        { verb, source },
        { identity, explain, limit, failureOf: failureIn, ...(oneForEach.includes(verb) && { gatherOthers }) },
        limits.signal,
        (nightjar) =>
          work(
            wanted.get(),
            {
              ...nightjar,
              identity,
              arn: context.invokedFunctionArn,
              random: () => ofRun(identity.run),
              report: reportTo(log),
              seconds,
            },
            limits.signal,
          ),
      );
      log(failureIn(result) === undefined ? 'INFO' : 'ERROR', 'end', { result });
      return result;
    } catch (error) {
      const failure = explain(error);
      const { code, message, hint, cause } = failure;
      log('ERROR', 'failed', {
        code,
        error: message,
        hint,
        seconds: seconds(),
        ...(code === 'internal' && cause instanceof Error && { stack: cause.stack }),
      });
      throw thrownOf(failure);
    } finally {
      limits.release();
    }
  };
}

/** A value, or the error that `get` throws: an event that can't be read is told to whom the configuration names. */
function attempt<T>(make: () => T): { value?: T; get(): T } {
  try {
    const value = make();
    return { value, get: () => value };
  } catch (error) {
    return {
      get() {
        throw error;
      },
    };
  }
}

type Asking<R> = Pick<RunHost, 'explain' | 'limit' | 'gatherOthers'> & {
  identity: InvocationIdentity;
  failureOf(result: R): BackupError | undefined;
};

async function within<R extends object>(
  run: ReportedRun,
  { identity, explain, limit, gatherOthers, failureOf: failureIn }: Asking<R>,
  signal: AbortSignal,
  work: (nightjar: Nightjar) => Promise<R>,
): Promise<R> {
  const {
    LAMBDA_TASK_ROOT: bundle,
    NIGHTJAR_CONFIG: file,
    NIGHTJAR_TOOLS: layer,
    NIGHTJAR_TOPIC: topic,
    NIGHTJAR_ROSTER: roster,
  } = functionEnvironmentSchema.parse(process.env);
  const path = resolve(bundle, file);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BackupError('config-invalid', `the configuration ${path} can't be read`, {
      hint: 'it belongs into the bundle, or NIGHTJAR_CONFIG names another file',
      cause,
    });
  });
  const config = attempt(() => tellingTopic(parseConfig(text, file), topic));
  const host = {
    env: process.env,
    folder: dirname(path),
    identity,
    knowsRoster: roster === 'on',
    layer: async () => layer,
    toolsFacts: () => readToolsFacts(layer),
  };
  const told = config.value ?? tellingTopic(toldByText(text), topic);
  let nightjar: Nightjar | undefined;
  let memory: Awaited<ReturnType<typeof openMemory>>;
  const composing = async (): Promise<Nightjar> => compose(config.get(), host, signal);
  const failed = async (error: unknown): Promise<never> => {
    memory = await openMemory(told, host, signal);
    throw error;
  };
  try {
    const composed = async (): Promise<R> => work((nightjar = await composing().catch(failed)));
    return await runAndReport(
      run,
      composed,
      (result) => result,
      {
        ...openTelling(told, host),
        run: identity.run,
        store: () => (nightjar ?? memory)?.store,
        settings: (source) => config.value?.sources.get(source),
        explain,
        limit,
        gatherOthers,
        unalarming: ['lease-held'],
      },
      failureIn,
    );
  } finally {
    (nightjar ?? memory)?.close();
  }
}

/** Whoever the configuration tells, and the topic of the stack, unless it stands there by itself. */
function tellingTopic<T extends ToldBy>(told: T, topic: string | undefined): T {
  if (topic === undefined || told.notify.some(({ sns }) => sns === topic)) return told;
  return { ...told, notify: [...told.notify, { sns: topic }] };
}

/**
 * What the execution role's credentials consist of, as it is and as it stands in a signed address: a driver's words
 * could hold them.
 */
function roleSecrets(): () => string[] {
  const values = (): string[] =>
    ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].flatMap((name) => process.env[name] ?? []);
  return () => values().flatMap((value) => [value, encodeURIComponent(value)]);
}
