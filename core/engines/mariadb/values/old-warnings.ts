import type { Manifest } from '../../../contract/manifest/manifest.ts';

const oldFloats = 'FLOAT columns are dumped with six digits, what exceeds that is lost: ';

/**
 * Losses that old manifests, from before there were exceptions, name only in their warnings, and that a proof has to
 * except.
 */
export function oldLosses({ warnings }: Manifest): string[] {
  return warnings.flatMap((one) =>
    one.startsWith(oldFloats) ? [`FLOAT columns, which may have lost digits: ${one.slice(oldFloats.length)}`] : [],
  );
}
