import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';
import { keepCompiledCode } from './kept-code.ts';

const { createContext } = vm;
keepCompiledCode();

/**
 * The environment of every test file (jest.config.mjs): Jest's own for Node, in a context whose globals are ordinary
 * properties. Jest puts a proxy behind them, which each `Math`, `Buffer` or `Promise` in a loop has to ask.
 */
export default class PlainGlobals extends TestEnvironment {
  constructor(...given: ConstructorParameters<typeof TestEnvironment>) {
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(...given);
    } finally {
      vm.createContext = createContext;
    }
  }
}
