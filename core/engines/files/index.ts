import { basename, dirname, join, resolve } from 'node:path';
import { BackupError } from '../../domain/errors.ts';
import type { ManifestPart } from '../../contract/manifest/manifest.ts';
import type { Engine, Plan } from '../../ports.ts';
import type { Tools } from '../../tools.ts';
import { ownerKind } from './facts.ts';
import { folderWords } from '../../domain/content-words.ts';
import { asPattern, matching } from './patterns.ts';
import { openTarPart } from './plan/making.ts';
import { planFiles } from './plan/plan.ts';
import { looksSecret } from './secrets.ts';
import { partNumber } from './sharing/places.ts';
import { replacedFolders } from './restore/kept.ts';
import { filesTarget } from './restore/target.ts';
import { tarReader } from './tar/reader.ts';

/** A configured folder; `path` is absolute. `secrets`: further patterns for what may only be stored `encrypted`. */
export type FilesAt = {
  path: string;
  exclude: readonly string[];
  secrets: readonly string[];
  encrypted: boolean;
  oneFileSystem: boolean;
  /** The programs of the layer, for a machine without GNU tar. */
  tools(signal: AbortSignal): Promise<Tools>;
};

/** The configured folder, or another one: beside it by name, or by path. */
export function filesEngine(at: FilesAt, database?: string) {
  const { path, exclude, oneFileSystem, tools } = at;
  const folder = database === undefined ? path : folderCalled(database, path);
  const called = (other: string) => (dirname(other) === dirname(path) ? basename(other) : other);
  const name = called(folder);
  /** What a backup leaves out of the configured folder. */
  function excluded(): (path: string) => boolean {
    const isExcluded = matching(exclude);
    return (one) => isExcluded(asPattern(one));
  }
  const engine: Engine = {
    name: 'files',
    words: folderWords,
    place: folder,
    ownerKinds: [ownerKind],
    reader: tarReader,
    replaced: replacedFolders(folder),
    shares: true,
    largeCatalogs: true,
    open: openTarPart,
    plan({ like, sharing, database: other }, signal) {
      const planned = other === undefined ? folder : folderCalled(other, path);
      const isSecret = like === undefined && !at.encrypted ? looksSecret(at.secrets, basename(planned)) : () => false;
      const excludes = like === undefined && exclude.length > 0 ? excluded() : () => false;
      const options = { excludes, isSecret, oneFileSystem };
      return planFiles({ path: planned, database: other ?? name, like, sharing, options, tools }, signal);
    },
    target(options, signal) {
      const excludes = folder === path && exclude.length > 0 ? { excludes: excluded() } : {};
      return filesTarget({ path: folder, called, tools, ...excludes }, options, signal);
    },
    restoreCommands,
  };
  return { engine, database: name };
}

function folderCalled(database: string, path: string): string {
  if (database === basename(path)) return path;
  const folder = database.includes('/') ? resolve(dirname(path), database) : join(dirname(path), database);
  const name = basename(folder);
  if (name !== '' && !['.', '..'].includes(database)) return folder;
  throw new BackupError('input-invalid', `${database} is no name of a folder`, { hint: 'name one that can be made' });
}

/**
 * Extracts the parts in order and folders last, because writing into a folder changes its time. Of a part made for an
 * older backup, only extracts what the list names.
 */
function restoreCommands(parts: readonly ManifestPart[], { shared = [] }: Plan): string[] {
  const tar = 'tar --extract --preserve-permissions --numeric-owner --acls --xattrs --directory="$FOLDER"';
  const list = parts.find(({ role }) => role === 'schema');
  // by number, because names of parts change when they are decrypted
  const older = new Set(shared.map(({ file }) => partNumber(file)));
  const command = ({ file }: ManifestPart) => {
    if (list === undefined || !older.has(partNumber(file))) return `zstd -dc ${file} | ${tar}`;
    const names = `zstd -dc ${list.file} | LC_ALL=C grep -az '^${partNumber(file)} ' | cut -z -d ' ' -f 3-`;
    return `zstd -dc ${file} | ${tar} --null --files-from=<(${names})`;
  };
  const files = (['data', 'after'] as const).flatMap((role) => parts.filter((part) => part.role === role));
  return ['mkdir "$FOLDER"', ...files.map(command)];
}
