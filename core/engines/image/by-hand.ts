import type { Catalog } from '../../contract/manifest/catalog.ts';
import type { ManifestPart } from '../../contract/manifest/manifest.ts';
import { documentsIn } from './facts.ts';

/**
 * Stock commands that make an OCI layout from a folder with the backup's objects, and compare every blob with its name.
 * `LAYOUT` is the folder to make. docs/image.md says how to push it.
 */
export function restoreCommands(parts: readonly ManifestPart[], catalog: Catalog): string[] {
  const { digest, size, mediaType } = documentsIn(catalog).top;
  const index = JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest, size }] });
  const files = parts.filter(({ role }) => role === 'data').map(({ file }) => file);
  return [
    'mkdir "$LAYOUT" && mkdir -p "$LAYOUT/blobs/sha256"',
    ...files.map((file) => {
      const to = `"$LAYOUT/blobs/sha256/${file.split('.')[1]}"`;
      return file.endsWith('.zst') ? `zstd -dc ${file} > ${to}` : `cp ${file} ${to}`;
    }),
    `(cd "$LAYOUT/blobs/sha256" && for blob in *; do echo "$blob  $blob"; done | sha256sum --quiet --check)`,
    `echo '{"imageLayoutVersion":"1.0.0"}' > "$LAYOUT/oci-layout"`,
    `echo '${index.replaceAll("'", '')}' > "$LAYOUT/index.json"`,
  ];
}
