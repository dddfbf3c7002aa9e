import { encryptedEnding } from '../contract/manifest/part-name.ts';
import type { ManifestPart } from '../contract/manifest/manifest.ts';

/**
 * Stock commands that restore a backup from a folder with its objects, to be run with bash: checksums first, then the
 * engine's own commands for the parts. Encrypted parts are decrypted into files beside them; `IDENTITY` names the file
 * with the identity.
 */
export function restoreByHand(
  parts: readonly ManifestPart[],
  commandsOf: (parts: ManifestPart[]) => string[],
): string[] {
  const plain = parts.map((part) => ({ ...part, file: openedName(part.file) }));
  return [
    'set -euo pipefail',
    ...parts.map(({ file, sha256 }) => `echo '${sha256}  ${file}' | sha256sum --check`),
    ...parts
      .filter(({ file }) => file.endsWith(encryptedEnding))
      .map(({ file }) => `age --decrypt --identity "$IDENTITY" --output ${openedName(file)} ${file}`),
    ...commandsOf(plain),
  ];
}

function openedName(file: string): string {
  return file.endsWith(encryptedEnding) ? file.slice(0, -encryptedEnding.length) : file;
}
