import { types } from 'node:util';

// Before every test file (jest.config.mjs): in Jest's own realm, errors of Node's core are no `instanceof Error`, and
// the AWS SDK would not retry them.
const ordinary = Function.prototype[Symbol.hasInstance];

Object.defineProperty(Error, Symbol.hasInstance, {
  configurable: true,
  value(this: unknown, error: unknown): boolean {
    return ordinary.call(this, error) || (this === Error && types.isNativeError(error));
  },
});
