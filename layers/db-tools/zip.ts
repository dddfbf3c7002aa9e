import { parseArgs } from 'node:util';
import { isBackupError, messageOf } from '../../core/domain/errors.ts';
import { bundleOf, requireRegions } from './certificates.ts';
import { debianNames, type LayerArchitecture } from './contents.ts';
import { pinRule } from './layer.ts';
import { zipLayer } from './bill/zip-layer.ts';

const usage = 'node layers/db-tools/zip.ts arm64|x86_64 [nightjar.lock.json] [--regions=eu-west-1,…]';

// what publishes the stack's assets runs this, and takes the one line of standard output for the path of a zip file
process.exitCode = await main(process.argv.slice(2)).then(
  (path) => (console.log(path), 0),
  (error: unknown) => {
    console.error(`${messageOf(error)}${isBackupError(error) && error.hint ? `\n${error.hint}` : ''}`);
    return 1;
  },
);

/** `regions`: those of the sources, without whose authorities no layer is published. */
async function main(words: string[]): Promise<string> {
  const { positionals, values } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { regions: { type: 'string', default: '' } },
  });
  const [architecture, own] = positionals;
  if (architecture === undefined || !(architecture in debianNames))
    throw new Error(`no such architecture: ${architecture}\n${usage}`);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const pinning = { rule: pinRule(process.env), own };
  const path = await zipLayer(architecture as LayerArchitecture, pinning, (line) => console.error(line), stop.signal);
  const regions = values.regions.split(',').filter((region) => region !== '');
  await requireRegions(await bundleOf(path.slice(0, -'.zip'.length)), regions, stop.signal);
  return path;
}
