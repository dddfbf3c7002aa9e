import type { FilesAt } from '../../../core/engines/files/index.ts';

/** A folder as the configuration has it, with nothing said of it, on a machine that has GNU tar. */
export function plainFolder(path: string, exclude: readonly string[] = []): FilesAt {
  const tools = () => Promise.reject(new Error('the tar of this machine is meant'));
  return { path, exclude, secrets: [], encrypted: false, oneFileSystem: false, tools };
}
