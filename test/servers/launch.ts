import type { TemporaryFolder } from './folder.ts';
import { startProcess, type Launch } from './process.ts';
import { untilReady } from './ready.ts';
import type { DatabaseServer } from './server.ts';

export type DatabaseLaunch = {
  /** For messages: `PostgreSQL 18`. */
  what: string;
  launch: Launch;
  folder: TemporaryFolder;
  dataDir: string;
  access: Pick<DatabaseServer, 'host' | 'port' | 'user' | 'password' | 'caFile'>;
  /** The signal at which it ends at once: its data goes with it. */
  stopSignal: NodeJS.Signals;
  /** Logs in and asks the server its version; fails while the server is not ready. */
  askVersion: (signal: AbortSignal) => Promise<string>;
};

const readyLimitMs = 60_000;
const stopLimitMs = 20_000;

/**
 * Starts a database server and waits until it answers a query; one that doesn't is killed, and the error has its last
 * words.
 */
export async function launchDatabase(wanted: DatabaseLaunch, signal: AbortSignal): Promise<DatabaseServer> {
  const { what, folder, dataDir, access, stopSignal } = wanted;
  let server = startProcess(wanted.launch, stopSignal);
  const ready = (until: AbortSignal) => untilReady(what, server, () => wanted.askVersion(until), readyLimitMs, until);
  try {
    const version = await ready(signal);
    const restart = async (): Promise<void> => {
      await server.kill();
      server = startProcess(wanted.launch, stopSignal);
      await ready(AbortSignal.timeout(readyLimitMs));
    };
    const stop = async (): Promise<void> => {
      await server.stop(stopSignal, stopLimitMs);
      await folder.remove();
    };
    const kill = () => server.kill();
    return { ...access, version, dataDir, pid: server.pid, lastWords: () => server.lastWords(), stop, kill, restart };
  } catch (error) {
    await server.kill();
    throw error;
  }
}

/** What `use` makes in a temporary folder, which is removed when that fails. */
export async function inFolder<Made>(
  folder: TemporaryFolder,
  use: (folder: TemporaryFolder) => Promise<Made>,
): Promise<Made> {
  try {
    return await use(folder);
  } catch (error) {
    await folder.remove();
    throw error;
  }
}
