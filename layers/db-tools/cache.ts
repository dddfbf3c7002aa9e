import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, readlink, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { BackupError } from '../../core/domain/errors.ts';
import { sleep } from '../../core/pipeline/waiting.ts';

const heartbeatMs = 5_000;
const staleMs = 60_000;

/**
 * The folder that checkouts share: NIGHTJAR_CACHE, else `/var/cache/nightjar` for root, else `nightjar` in the user's
 * own cache. Root's is readable by everybody, because servers under test run as somebody else.
 */
export function cacheRoot(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment['NIGHTJAR_CACHE']) return environment['NIGHTJAR_CACHE'];
  if (process.getuid?.() === 0) return '/var/cache/nightjar';
  return join(environment['XDG_CACHE_HOME'] || join(ownHome(), '.cache'), 'nightjar');
}

/** With an empty HOME, what is kept would lie in the working folder. */
function ownHome(): string {
  return homedir() || userInfo().homedir;
}

/**
 * The same folder, made when it is missing. Throws `tools-missing` where others than root and this user may write to it
 * or move it: what lies there is run with our rights, and reads every database.
 */
export async function ownCache(): Promise<string> {
  const root = await openFolder(resolve(cacheRoot()));
  for (let folder = await realpath(root); ; folder = dirname(folder)) {
    const { uid, mode } = await stat(folder);
    const isTrusted = process.getuid === undefined || uid === 0 || uid === process.getuid();
    const isOpen = (mode & 0o022) !== 0 && ((mode & 0o1000) === 0 || folder === root);
    if (!isTrusted || isOpen)
      throw cacheError(
        root,
        folder,
        isTrusted ? `its mode is ${(mode & 0o7777).toString(8)}` : `it belongs to user ${uid}`,
      );
    if (folder === dirname(folder)) return root;
  }
}

function cacheError(root: string, folder: string, why: string): BackupError {
  return new BackupError(
    'tools-missing',
    `others may write to the cache ${root}, whose programs Nightjar runs: ${folder}: ${why}`,
    {
      hint: `chmod go-w ${folder}, after a look at who has been there; or name another folder in NIGHTJAR_CACHE`,
    },
  );
}

/** Makes `folder` and its missing parents, open to readers whatever the umask. */
export async function openFolder(folder: string): Promise<string> {
  const first = await mkdir(folder, { recursive: true, mode: 0o755 });
  for (let made = folder; first !== undefined && made.length >= first.length; made = dirname(made))
    await chmod(made, 0o755);
  return folder;
}

/**
 * Does `work` while no other process does work under the same `lock`. A holder that has died is taken over within a
 * minute. Two may hold it for a moment after a takeover: so `work` must also end in one atomic step.
 */
export async function exclusively<T>(
  lock: string,
  { report, work }: { report: (line: string) => void; work: () => Promise<T> },
  signal: AbortSignal,
): Promise<T> {
  const token = JSON.stringify({ pid: process.pid, place: await processSpace(), id: randomUUID() });
  for (let tries = 0; !(await acquired(lock, token)); tries += 1) {
    if (tries === 8) report('waiting for another process that fetches Debian packages');
    await sleep(250, signal);
  }
  const heartbeat = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if ((await readFile(lock, 'utf8').catch(() => '')) === token) await rm(lock, { force: true });
  }
}

async function acquired(lock: string, token: string): Promise<boolean> {
  try {
    await writeFile(lock, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (await isDeserted(lock)) await rename(lock, `${lock}.stale`).catch(() => undefined);
    return false;
  }
}

/**
 * Whether the holder has died: surely so when its process is gone from this machine, else when it has not touched the
 * lock for a minute.
 */
async function isDeserted(lock: string): Promise<boolean> {
  const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Infinity }));
  if (Date.now() - mtimeMs > staleMs) return true;
  try {
    const { pid, place } = JSON.parse(await readFile(lock, 'utf8')) as { pid: number; place: string };
    if (place === '' || place !== (await processSpace())) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Names the set of process numbers that this process sees, or nothing where the system doesn't tell. */
async function processSpace(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const space = await readlink('/proc/self/ns/pid').catch(() => '');
  return boot && space ? `${boot.trim()} ${space}` : '';
}
