import { join } from 'node:path';
import { debianRoot, type DebianWant } from '../../layers/db-tools/debian/debian.ts';
import { wrapPrograms } from '../../layers/db-tools/elf/wrap.ts';

export type Root = {
  path: string;
  /** What programs of this root are started with: nothing of ours reaches them, and locales come from the root. */
  env: Record<string, string>;
};

/** A server's Debian packages, fetched into the cache when they are not there yet, ready to run in place. */
export async function serverRoot(want: DebianWant, report: (line: string) => void, signal: AbortSignal): Promise<Root> {
  const path = await wrapPrograms(await debianRoot(want, report, signal), signal);
  const folders = [`${path}/usr/bin`, `${path}/usr/sbin`, '/usr/bin', '/bin'];
  return { path, env: { PATH: folders.join(':'), LC_ALL: 'C.UTF-8', LOCPATH: join(path, 'usr/lib/locale') } };
}

/**
 * The `openssl` program, from Debian's packages too: a machine may have none, or one too old to sign with `req -CA`.
 */
export async function opensslProgram(report: (line: string) => void, signal: AbortSignal): Promise<string> {
  const { path } = await serverRoot({ name: 'openssl', suites: ['trixie'], packages: ['openssl'] }, report, signal);
  return join(path, 'usr/bin/openssl');
}
