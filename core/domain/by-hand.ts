import { encryptedEnding, isSharable } from '../contract/manifest/part-name.ts';
import type { ManifestPart } from '../contract/manifest/manifest.ts';

/** Encrypts a text with values of the database for the manifest; undefined if it may stand there as it is. */
export type Armor = ((text: string) => Promise<string>) | undefined;

/**
 * Stock commands for bash that restore a backup from a folder with its objects: checksums first, then the engine's own
 * commands for the parts. Encrypted parts are decrypted into files beside them, and private commands when they run;
 * `IDENTITY` names the file with the identity.
 */
export async function restoreByHand(
  parts: readonly ManifestPart[],
  commandsOf: (parts: ManifestPart[]) => (string | { private: string })[],
  armor: Armor,
): Promise<string[]> {
  const plain = parts.map((part) => ({ ...part, file: openedName(part.file) }));
  return [
    'set -euo pipefail',
    ...(parts.some(({ file }) => isSharable(file)) ? [followLinks] : []),
    ...parts.map(({ file, sha256 }) => `echo '${sha256}  ${file}' | sha256sum --check`),
    ...parts
      .filter(({ file }) => file.endsWith(encryptedEnding))
      .map(({ file }) => `age --decrypt --identity "$IDENTITY" --output ${openedName(file)} ${file}`),
    ...(await Promise.all(commandsOf(plain).map((command) => shown(command, armor)))),
  ];
}

/** In a bucket, links to packs beside the backup may stand in the place of parts (docs/backup-format.md). */
const followLinks = 'for link in data/*.in-*; do [ ! -e "$link" ] || ln -f "../$(cat "$link")" "${link%.in-*}"; done';

async function shown(command: string | { private: string }, armor: Armor): Promise<string> {
  if (typeof command === 'string') return command;
  if (armor === undefined) return command.private;
  const sealed = (await armor(command.private)).trim();
  // in two steps, because bash ignores a failure within the arguments of eval
  return `private=$(age --decrypt --identity "$IDENTITY" <<'END'\n${sealed}\nEND\n)\neval "$private"`;
}

function openedName(file: string): string {
  return file.endsWith(encryptedEnding) ? file.slice(0, -encryptedEnding.length) : file;
}
