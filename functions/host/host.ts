import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runAndReport } from '../../core/telling/run-and-report.ts';
import type { ReportedRun, RunHost } from '../../core/telling/run-and-report.ts';
import { compose, openMemory, openTelling } from '../../core/compose.ts';
import type { Nightjar } from '../../core/compose.ts';
import { configInJson } from '../../core/config-json.ts';
import type { Config, ToldBy } from '../../core/contract/config/config.ts';
import { functionEnvironmentSchema } from '../../core/contract/events/requests.ts';
import type { InTurnResult } from '../../core/contract/events/requests.ts';
import { BackupError } from '../../core/domain/errors.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import type { Verb } from '../../core/domain/messages/run.ts';
import { fewNames } from '../../core/domain/lines.ts';
import { relaxGarbageCollection } from '../../core/pipeline/memory/relax-garbage.ts';
import type { Report } from '../../core/ports.ts';
import { readToolsFacts } from '../../core/tools.ts';
import { limitsOf } from './deadline.ts';
import { failureOf, thrownOf } from './failure.ts';
import { invocationIdentity, ofRun } from './identity.ts';
import type { InvocationIdentity, LambdaContext, Occasion } from './identity.ts';
import { inTurn } from './in-turn.ts';
import type { OnServer } from './in-turn.ts';
import { jsonLog, reportTo, without } from './log.ts';

export type Invocation = Nightjar & {
  identity: InvocationIdentity;
  /** The ARN by which this function was invoked. */
  arn: string;
  report: Report;
  seconds(): number;
  /** It is one of several that share the function's time. */
  inTurn: boolean;
};

type HandlerJob<E, R> = {
  verb: Verb;
  read(event: unknown): E;
  work(event: E, invocation: Invocation, signal: AbortSignal): Promise<R>;
  /** What has its turn if the event names a whole server; without it, an event may not name one. */
  onServer?(
    server: SourceName,
    invocation: Invocation & { runOf(source: SourceName): string },
    signal: AbortSignal,
  ): Promise<OnServer>;
  /** The failure that is reported for a result that is not all it should be; the result is still returned. */
  failureOf?(result: R): BackupError | undefined;
};

/** Time left for the answer when telling takes long. */
const answerMs = 500;
const leastTellingMs = 1_000;
/**
 * Kinds of runs that each source has for itself, so that many fail at the same moment when a server or the vault fails.
 */
const oneForEach: readonly Verb[] = ['backup', 'rotation', 'drill', 'copy'];
/** How long such a run waits for the messages of others; never more than a quarter of its time. */
const gatherMs = 20_000;

/**
 * A Lambda handler: reads the event, composes Nightjar, works within the deadline, reports how it ended, and logs
 * start, end and failure. Throws the error that Lambda shows.
 */
export function lambdaHandler<E extends Occasion, R extends object>({
  verb,
  read,
  work,
  onServer,
  failureOf: failureIn = () => undefined,
}: HandlerJob<E, R>): (event: unknown, context: LambdaContext) => Promise<R | InTurnResult> {
  relaxGarbageCollection();
  return async (event, context) => {
    const began = Date.now();
    const seconds = (): number => Math.round((Date.now() - began) / 100) / 10;
    const wanted = attempt(() => read(event));
    const initialization = process.env['AWS_LAMBDA_INITIALIZATION_TYPE'];
    const identity = invocationIdentity(context, initialization, wanted.value);
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
      const invoked = (nightjar: Nightjar, of: InvocationIdentity, isTurn = false): Invocation => ({
        ...nightjar,
        identity: of,
        arn: context.invokedFunctionArn,
        random: () => ofRun(of.run),
        report: reportTo(log),
        seconds,
        inTurn: isTurn,
      });
      const eachOf = (server: SourceName, composing: () => Promise<Nightjar>, host: RunHost) => {
        const event = wanted.get();
        let nightjar: Nightjar;
        const whole = context.getRemainingTimeInMillis();
        const identityOf = (one: SourceName) => invocationIdentity(context, initialization, { ...event, source: one });
        const runOf = (one: SourceName) => identityOf(one).run;
        return inTurn(
          {
            run: { verb, source: server },
            host,
            async look() {
              nightjar = await composing();
              if (onServer === undefined) throw aServer(server, nightjar);
              return onServer(server, { ...invoked(nightjar, identity), runOf }, limits.signal);
            },
            work: (one) => work({ ...event, source: one }, invoked(nightjar, identityOf(one), true), limits.signal),
            runOf,
            failureOf: failureIn,
            ended: (one, end) => {
              if ('result' in end) log('INFO', 'end', { ...end, source: one });
              else log('ERROR', 'failed', { ...errorFields(explain(end.error)), source: one });
            },
            spent: () => 1 - context.getRemainingTimeInMillis() / whole,
          },
          limits.signal,
        );
      };
      const result = await within(
        { verb, source },
        { identity, explain, limit, failureOf: failureIn, ...(oneForEach.includes(verb) && { gatherOthers }) },
        limits.signal,
        { work: (nightjar) => work(wanted.get(), invoked(nightjar, identity), limits.signal), eachOf },
      );
      log(isInTurn(result) || failureIn(result) === undefined ? 'INFO' : 'ERROR', 'end', { result });
      return result;
    } catch (error) {
      const failure = explain(error);
      log('ERROR', 'failed', { ...errorFields(failure), seconds: seconds() });
      throw thrownOf(failure);
    } finally {
      limits.release();
    }
  };
}

function errorFields({ code, message, hint, cause }: BackupError): Record<string, unknown> {
  return {
    code,
    error: message,
    hint,
    ...(code === 'internal' && cause instanceof Error && { stack: cause.stack }),
  };
}

function isInTurn(result: object): result is InTurnResult {
  return 'status' in result && result.status === 'in turn';
}

function aServer(server: SourceName, { onServer }: Nightjar): BackupError {
  return new BackupError('input-invalid', `${server} is a whole server, and this is for one source`, {
    hint: `on it are: ${fewNames(onServer(server), 20)}`,
  });
}

/** A value, or the error that `get` throws: an unreadable event is still reported to the configured notifiers. */
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

/** `eachOf`: what is done if the event names a whole server. */
type Working<R> = {
  work(nightjar: Nightjar): Promise<R>;
  eachOf(server: SourceName, composing: () => Promise<Nightjar>, host: RunHost): Promise<InTurnResult>;
};

async function within<R extends object>(
  run: ReportedRun,
  { identity, explain, limit, gatherOthers, failureOf: failureIn }: Asking<R>,
  signal: AbortSignal,
  { work, eachOf }: Working<R>,
): Promise<R | InTurnResult> {
  const {
    LAMBDA_TASK_ROOT: bundle,
    NIGHTJAR_CONFIG: file,
    NIGHTJAR_TOOLS: layer,
    NIGHTJAR_TOPIC: topic,
    NIGHTJAR_ROSTER: roster,
    NIGHTJAR_SERVER: server,
  } = functionEnvironmentSchema.parse(process.env);
  const path = resolve(bundle, file);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BackupError('config-invalid', `the configuration ${path} can't be read`, {
      hint: 'it belongs into the bundle, or NIGHTJAR_CONFIG names another file',
      cause,
    });
  });
  const parsed = configInJson(text);
  const yaml = parsed === undefined ? await import('../../core/config-file.ts') : undefined;
  const config = attempt(() => knowing(server, tellingTopic(parsed ?? yaml!.parseConfig(text, file), topic)));
  const host = {
    env: process.env,
    folder: dirname(path),
    identity,
    knowsRoster: roster === 'on',
    listsVault: false,
    layer: async () => layer,
    toolsFacts: () => readToolsFacts(layer),
  };
  const told = config.value ?? tellingTopic(yaml!.toldByText(text), topic);
  let nightjar: Nightjar | undefined;
  let memory: Awaited<ReturnType<typeof openMemory>>;
  const composing = async (): Promise<Nightjar> =>
    (nightjar = await compose(config.get(), host, signal).catch(async (error: unknown): Promise<never> => {
      memory = await openMemory(told, host, signal);
      throw error;
    }));
  const reporting: RunHost = {
    ...openTelling(told, host),
    run: identity.run,
    store: () => (nightjar ?? memory)?.store,
    settings: (source) => (nightjar?.config ?? config.value)?.sources.get(source),
    explain,
    limit,
    unalarming: ['lease-held'],
  };
  const named = run.source;
  try {
    if (named !== undefined && config.value?.servers.has(named)) return await eachOf(named, composing, reporting);
    return await runAndReport(
      run,
      async () => work(await composing()),
      (result) => result,
      { ...reporting, gatherOthers },
      failureIn,
    );
  } finally {
    (nightjar ?? memory)?.close();
  }
}

/** Leaves whole servers out for a function that does not work on them and may not even read about them. */
function knowing(server: string | undefined, config: Config): Config {
  if (server === '*') return config;
  return { ...config, servers: new Map([...config.servers].filter(([name]) => name === server)) };
}

/** The configured notifiers, and the stack's topic unless it is among them. */
function tellingTopic<T extends ToldBy>(told: T, topic: string | undefined): T {
  if (topic === undefined || told.notify.some(({ sns }) => sns === topic)) return told;
  return { ...told, notify: [...told.notify, { sns: topic }] };
}

/** The execution role's credentials, plain and as in a signed address: a driver's message could contain them. */
function roleSecrets(): () => string[] {
  const values = (): string[] =>
    ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].flatMap((name) => process.env[name] ?? []);
  return () => values().flatMap((value) => [value, encodeURIComponent(value)]);
}
