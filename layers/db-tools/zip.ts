import { rename, rm } from 'node:fs/promises';
import { isBackupError, messageOf } from '../../core/domain/errors.ts';
import { debianNames, type LayerArchitecture } from './contents.ts';
import { dbToolsLayer, pinRule } from './layer.ts';
import { zipFolder } from './zip-file.ts';

const usage = 'node layers/db-tools/zip.ts arm64|x86_64';

// what publishes the stack's assets runs this, and takes the one line of standard output for the path of a zip file
process.exitCode = await main(process.argv[2]).then((path) => (console.log(path), 0), (error: unknown) => {
  console.error(`${messageOf(error)}${isBackupError(error) && error.hint ? `\n${error.hint}` : ''}`);
  return 1;
});

/** Where the layer lies as a zip file: made anew each time, for what lies in a cache is not believed. */
async function main(architecture: string | undefined): Promise<string> {
  if (architecture === undefined || !(architecture in debianNames)) throw new Error(`no such architecture: ${architecture}\n${usage}`);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const layer = await dbToolsLayer(architecture as LayerArchitecture, pinRule(process.env), (line) => console.error(line), stop.signal);
  const path = `${layer}.zip`;
  const part = `${path}.${process.pid}.part`;
  try {
    await zipFolder(layer, part);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
  return path;
}
