import vm from 'node:vm';

type Kept = { code: string; data: Buffer };
/** The types of Node lack it. */
type Cacheable = { createCachedData(): Buffer };

/**
 * Keeps what was compiled from one test file to the next of a worker: each has a realm of its own, and a tenth of the
 * suites without servers was the same modules and the same Jest compiled anew.
 */
export function keepCompiledCode(): void {
  vm.SourceTextModule = keepingModules(vm.SourceTextModule);
  vm.compileFunction = keepingFunctions(vm.compileFunction);
}

function keepingModules(Plain: typeof vm.SourceTextModule): typeof vm.SourceTextModule {
  const kept = new Map<string, Kept>();
  return new Proxy(Plain, {
    construct(_, [code, options]: [string, vm.SourceTextModuleOptions?]) {
      const name = options?.identifier;
      const known = name === undefined ? undefined : kept.get(name);
      if (known?.code === code)
        try {
          return new Plain(code, { ...options, cachedData: known.data });
        } catch {
          // V8 refuses what was compiled under other flags: it is compiled again
        }
      const made = new Plain(code, options) as vm.SourceTextModule & Cacheable;
      if (name !== undefined) kept.set(name, { code, data: made.createCachedData() });
      return made;
    },
  });
}

function keepingFunctions(plain: typeof vm.compileFunction): typeof vm.compileFunction {
  const kept = new Map<string, Kept>();
  return (code, params, options) => {
    const name = options?.filename;
    const known = name === undefined ? undefined : kept.get(name);
    const fits = known?.code === code;
    const made = plain(
      code,
      params,
      fits ? { ...options, cachedData: known.data } : { ...options, produceCachedData: true },
    );
    if (made.cachedDataRejected) kept.delete(name!);
    else if (!fits && name !== undefined && made.cachedData !== undefined)
      kept.set(name, { code, data: made.cachedData });
    return made;
  };
}
