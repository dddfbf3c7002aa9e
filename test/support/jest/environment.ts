import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import type { EnvironmentContext, JestEnvironment, JestEnvironmentConfig } from '@jest/environment';
import { suiteIsOver } from './after-suite.ts';
import { openResources, tellLeftOpen } from './left-open.ts';

// meant for this process alone (before-all.ts), and read when it began
delete process.env['GLIBC_TUNABLES'];

/**
 * The environment of every test file (jest.config.mjs): that of the worker itself, in which all of Nightjar and its
 * packages are loaded once, and not for each file anew. What a file has changed of the process is put back behind it.
 */
export default class OfWorker implements Partial<JestEnvironment> {
  readonly global = globalThis as unknown as JestEnvironment['global'];
  readonly fakeTimers = null;
  readonly fakeTimersModern: ModernFakeTimers;
  readonly moduleMocker = new ModuleMocker(this.global);
  readonly #before = { env: process.env, exit: process.exit, exitCode: process.exitCode, console };
  readonly #variables = { ...process.env };
  readonly #open = openResources();
  readonly #suite: string;

  constructor({ projectConfig }: JestEnvironmentConfig, { testPath }: EnvironmentContext) {
    this.#suite = testPath;
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  async setup(): Promise<void> {}

  async teardown(): Promise<void> {
    this.fakeTimersModern.dispose();
    suiteIsOver();
    const { console, ...process } = this.#before;
    Object.assign(globalThis.process, process);
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name];
    Object.assign(process.env, this.#variables);
    globalThis.console = console;
    await tellLeftOpen(this.#suite, this.#open);
  }

  exportConditions(): string[] {
    return ['node', 'node-addons'];
  }

  getVmContext(): null {
    return null;
  }
}
