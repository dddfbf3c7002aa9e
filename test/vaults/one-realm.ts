import { types } from 'node:util';

/*
 * Jest runs tests in a realm of its own, where an error made by Node's core is no `instanceof Error`. The AWS SDK asks just that, and
 * takes a refused connection for something it does not know and must not retry. Import this first, and it is as it is outside.
 */
const ordinary = Function.prototype[Symbol.hasInstance];

Object.defineProperty(Error, Symbol.hasInstance, {
  configurable: true,
  value(this: unknown, error: unknown): boolean {
    return ordinary.call(this, error) || (this === Error && types.isNativeError(error));
  },
});
