// npm run container [-- --update]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isBackupError, messageOf } from '../core/domain/errors.ts';
import { formatBytes } from '../core/domain/units.ts';
import { temporaryFolder } from '../test/servers/folder.ts';
import { assembleContainer } from './container/assemble.ts';
import { packedPackage } from './container/modules.ts';
import { updatePins } from './container/pins.ts';
import { findLayer, machineLayer } from './cli/setup/machine-layer.ts';

const out = join(import.meta.dirname, '../dist/container');

process.exitCode = await main().then(
  () => 0,
  (error: unknown) => {
    console.error(`${messageOf(error)}${isBackupError(error) && error.hint ? `\n${error.hint}` : ''}`);
    return 1;
  },
);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { update: { type: 'boolean', default: false } } });
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const report = (line: string): void => console.log(line);
  if (values.update) await updatePins(report, stop.signal);
  const layer = await findLayer(process.env, undefined, report, stop.signal);
  const scratch = await temporaryFolder('container');
  try {
    const tarball = await packedPackage(scratch.path, stop.signal);
    const bytes = await assembleContainer({ architecture: machineLayer, layer, tarball, out }, report, stop.signal);
    report(`${formatBytes(bytes)} in ${out}; make an image of it: docker build -t nightjar ${out}`);
  } finally {
    await scratch.remove();
  }
}
