import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import JestRuntime from 'jest-runtime';
import { useGlobals } from './globals.ts';
import type { Globals } from './globals.ts';

// what suites and their helpers import is that of the file at work
registerHooks({
  resolve(specifier, context, next) {
    const isOurs = specifier === '@jest/globals' && context.parentURL?.includes('/node_modules/') === false;
    return isOurs ? { url: import.meta.resolve('./globals.ts'), shortCircuit: true } : next(specifier, context);
  },
});

const require = createRequire(createRequire(import.meta.url).resolve('jest/package.json'));
const handlers = Symbol.for('EVENT_HANDLERS');
// its types say that it were CommonJS
const Runtime = JestRuntime as unknown as typeof JestRuntime.default;
let files = 0;

/**
 * Loads test files as Node loads modules (jest.config.mjs): Jest's own way compiles all of Nightjar and its packages for
 * each file anew, which was a third of a run. Of Jest, only what holds the tests of a file is new for each.
 */
export default class NodeRuntime extends Runtime {
  override unstable_shouldLoadAsEsm(): boolean {
    return true;
  }

  override async unstable_importModule(path: string): Promise<void> {
    useGlobals(this.requireModuleOrMock(path, '@jest/globals') as Globals);
    files += 1;
    const isTest = path === this.testPath;
    await import(`${pathToFileURL(path).href}${isTest ? `?${files}` : ''}`);
  }

  override requireInternalModule<T>(path: string): T {
    delete require.cache[path];
    delete (globalThis as Record<symbol, unknown>)[handlers];
    return require(path) as T;
  }

  private get testPath(): string {
    return (this as unknown as { _testPath: string })._testPath;
  }
}
