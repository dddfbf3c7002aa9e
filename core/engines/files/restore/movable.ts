import { opendir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestoreFinding } from '../../../ports.ts';
import { vaultMark } from '../plan/walk.ts';
import { unlessGone } from '../paths.ts';

/** What must not be moved with a folder: a vault in it, a disk mounted below it. */
export async function immovable(path: string): Promise<RestoreFinding[]> {
  const vault = await vaultIn(path);
  const mounts = await mountsBelow(path);
  return [
    ...(vault === undefined
      ? []
      : [
          {
            weight: 'fails' as const,
            what: `${vault} is a vault: it would go away with ${path}, and its backups with that`,
            remedy: 'restore beside it, by --to, and move what you need; or move the vault out of the folder first',
          },
        ]),
    ...(mounts.length === 0
      ? []
      : [
          {
            weight: 'fails' as const,
            what: `${mounts.join(', ')} is mounted below ${path}, and would go away with it`,
            remedy: 'restore beside it, by --to, and move what you need; or unmount it first',
          },
        ]),
  ];
}

/** The first folder below a place that is a vault. */
export async function vaultIn(path: string): Promise<string | undefined> {
  const folder = await opendir(path, { recursive: true }).catch(unlessGone);
  if (folder === undefined) return undefined;
  for await (const entry of folder) if (entry.name === vaultMark) return entry.parentPath;
  return undefined;
}

/** Mount points below a place (Linux; unknown elsewhere). */
async function mountsBelow(path: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const places = table.split('\n').map((line) => unescaped(line.split(' ')[4] ?? ''));
  return places.filter((place) => place.startsWith(join(path, '/')));
}

/** A blank in a name is written `\040` (proc(5)). */
function unescaped(place: string): string {
  return place.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
