import { isBackupError, messageOf } from '../../core/domain/errors.ts';
import { debianNames, type LayerArchitecture } from './contents.ts';
import { pinRule } from './layer.ts';
import { zipLayer } from './bill/zip-layer.ts';

const usage = 'node layers/db-tools/zip.ts arm64|x86_64 [nightjar.lock.json]';

// what publishes the stack's assets runs this, and takes the one line of standard output for the path of a zip file
process.exitCode = await main(process.argv[2], process.argv[3]).then(
  (path) => (console.log(path), 0),
  (error: unknown) => {
    console.error(`${messageOf(error)}${isBackupError(error) && error.hint ? `\n${error.hint}` : ''}`);
    return 1;
  },
);

async function main(architecture: string | undefined, own: string | undefined): Promise<string> {
  if (architecture === undefined || !(architecture in debianNames))
    throw new Error(`no such architecture: ${architecture}\n${usage}`);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  return zipLayer(
    architecture as LayerArchitecture,
    { rule: pinRule(process.env), own },
    (line) => console.error(line),
    stop.signal,
  );
}
