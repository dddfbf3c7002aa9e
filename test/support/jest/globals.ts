export type Globals = typeof import('@jest/globals');

let current: Globals;

/** From now on, what is exported here is that of another test file. */
export function useGlobals(globals: Globals): void {
  current = globals;
}

function ofCurrent<Name extends keyof Globals>(name: Name): Globals[Name] {
  return new Proxy(() => undefined, {
    apply: (_, self, given) => Reflect.apply(current[name] as () => unknown, self, given),
    get: (_, key) => Reflect.get(current[name] as object, key),
  }) as unknown as Globals[Name];
}

export const afterAll = ofCurrent('afterAll');
export const afterEach = ofCurrent('afterEach');
export const beforeAll = ofCurrent('beforeAll');
export const beforeEach = ofCurrent('beforeEach');
export const describe = ofCurrent('describe');
export const expect = ofCurrent('expect');
export const jest = ofCurrent('jest');
export const test = ofCurrent('test');
