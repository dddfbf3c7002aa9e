import { randomUUID } from 'node:crypto';
import type { Bytes } from '../../../../core/domain/units.ts';
import { lambdaEnvironment, newLogStream } from './environment.ts';
import { isolation, type Isolation } from './isolation.ts';
import { watchMemory } from './memory.ts';
import { startRuntimeApi, type Answer, type FunctionError, type RuntimeApi } from './runtime-api.ts';
import { startSandbox, type MountedFolder, type Sandbox } from './sandbox.ts';

export type FunctionSettings = {
  /** Folder with the bundle (`index.mjs`), as it will lie at /var/task. */
  task: string;
  /** Folder that will be /opt. */
  layer: string;
  /** Variables of the function, beside Lambda's own. */
  environment?: Record<string, string>;
  handler?: string;
  name?: string;
  region?: string;
  /** @default 512 */
  memoryMb?: number;
  /** @default 60000 */
  timeoutMs?: number;
  /** How much later than it was told a function is ended, for a slow machine. @default 0 */
  patienceMs?: number;
  /** @default 512 */
  tmpMb?: number;
  /** A file in place of /etc/hosts, where the function has a root of its own. @default the machine's */
  hosts?: string;
  /** What it mounts, where it has a root of its own. @default nothing */
  fileSystem?: MountedFolder;
  shell?: boolean;
  /** @default the best that this machine allows */
  isolation?: Isolation;
};

/** How an invocation ended, in Lambda's terms. */
export type Outcome =
  | { status: 'returned'; value: unknown }
  | { status: 'failed'; error: FunctionError }
  | { status: 'timed-out' }
  | { status: 'out-of-memory' }
  | { status: 'exited'; code: number | null };

export type Invocation = Outcome & {
  isolation: Isolation;
  /** Of a cold start: from the start of the process until it asked for work. */
  initMs?: number;
  durationMs: number;
  /** The whole process tree at its largest moment. */
  peakMemory: Bytes;
  /** The largest that Node alone has been resident. */
  peakNodeMemory: Bytes;
  /** What was written to standard output and error since the last invocation. */
  logs: string[];
};

/**
 * A function that Lambda would run: one execution environment, started when it is needed and frozen between
 * invocations.
 */
export type LambdaFunction = {
  /** `over`: its time is up then, however much of it is left. */
  invoke(event: unknown, options?: { requestId?: string; over?: Promise<unknown> | undefined }): Promise<Invocation>;
  /** The processes of the environment that is there now. */
  processes(): number[];
  stop(): Promise<void>;
};

type Environment = { api: RuntimeApi; sandbox: Sandbox; mode: Isolation };

const initLimitMs = 30_000;

/**
 * Imitates one Lambda function on this machine: its limits of time, memory and disk, its read-only root, its user, its
 * freezing. The network is the machine's.
 */
export function lambdaFunction(settings: FunctionSettings): LambdaFunction {
  const { memoryMb = 512, timeoutMs = 60_000, name = 'nightjar-test', region = 'eu-central-1' } = settings;
  // one that had to be killed is started again in its place, as far as its log goes
  const logStream = newLogStream();
  let environment: Environment | undefined;
  let logs: string[] = [];

  async function stop(): Promise<void> {
    const old = environment;
    environment = undefined;
    await old?.sandbox.kill();
    await old?.api.close();
  }

  async function start(): Promise<Environment> {
    const mode = settings.isolation ?? (await isolation());
    const api = await startRuntimeApi();
    const own = {
      name,
      memoryMb,
      region,
      handler: settings.handler ?? 'index.handler',
      logStream,
      runtimeApi: api.address,
      taskRoot: mode === 'none' ? settings.task : '/var/task',
    };
    const variables = {
      ...lambdaEnvironment(own),
      ...(mode === 'none' && { NIGHTJAR_TOOLS: settings.layer }),
      ...settings.environment,
    };
    const sandbox = await startSandbox({
      mode,
      task: settings.task,
      layer: settings.layer,
      tmpMb: settings.tmpMb ?? 512,
      hosts: settings.hosts,
      fileSystem: settings.fileSystem,
      shell: settings.shell,
      environment: variables,
      log: (line) => logs.push(line),
    });
    return { api, sandbox, mode };
  }

  async function coldStart(): Promise<{ initMs: number; failed?: Outcome }> {
    const began = performance.now();
    environment = await start();
    const { api, sandbox } = environment;
    const exited = sandbox.ended.then(({ code }): Outcome => ({ status: 'exited', code }));
    const failed = await Promise.race([
      api.ready.then((error): Outcome | undefined => error && { status: 'failed', error }),
      exited,
      after(initLimitMs).then((): Outcome => ({ status: 'timed-out' })),
    ]);
    return { initMs: performance.now() - began, ...(failed && { failed }) };
  }

  return {
    async invoke(event, { requestId = randomUUID(), over } = {}) {
      const cold = environment === undefined ? await coldStart() : undefined;
      const { api, sandbox, mode } = environment!;
      const memory = watchMemory(sandbox.processes, memoryMb * 1024 * 1024);
      const began = performance.now();
      const deadline = new Date(Date.now() + timeoutMs);
      sandbox.thaw();
      const arn = `arn:aws:lambda:${region}:123456789012:function:${name}`;
      const outcome =
        cold?.failed ??
        (await Promise.race([
          api.invoke({ requestId, deadline, arn, event }).then(outcomeOf),
          memory.exceeded.then((): Outcome => ({ status: 'out-of-memory' })),
          sandbox.ended.then(({ code }): Outcome => ({ status: 'exited', code })),
          Promise.race([after(timeoutMs + (settings.patienceMs ?? 0)), ...(over ? [over] : [])]).then(
            (): Outcome => ({ status: 'timed-out' }),
          ),
        ]));
      const tookMs = performance.now() - began;
      const durationMs = over && outcome.status === 'timed-out' ? timeoutMs : tookMs;
      const { peakMemory, peakNodeMemory } = memory.stop();
      if (outcome.status === 'returned' || (outcome.status === 'failed' && cold?.failed === undefined))
        sandbox.freeze();
      else await stop();
      const written = logs;
      logs = [];
      return {
        ...outcome,
        isolation: mode,
        ...(cold && { initMs: cold.initMs }),
        durationMs,
        peakMemory,
        peakNodeMemory,
        logs: written,
      };
    },
    processes: () => environment?.sandbox.processes() ?? [],
    stop,
  };
}

function outcomeOf(answer: Answer): Outcome {
  return 'error' in answer ? { status: 'failed', error: answer.error } : { status: 'returned', value: answer.value };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
