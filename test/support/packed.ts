import { access, mkdtemp, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { packedPackage } from '../../bin/container/modules.ts';
import { exclusively } from '../../layers/db-tools/cache.ts';

/**
 * The package as npm packs it: made once for a run of the tests (jest/before-all.ts), by the suite that needs it first.
 */
export async function packed(signal: AbortSignal): Promise<string> {
  const kept = process.env['NIGHTJAR_BUNDLES']!;
  const file = join(kept, 'nightjar.tgz');
  const work = async (): Promise<void> => {
    if (await isThere(file)) return;
    await rename(await packedPackage(await mkdtemp(join(kept, '.packed-')), signal), file);
  };
  await exclusively(`${file}.lock`, { report: () => undefined, work }, signal);
  return file;
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
