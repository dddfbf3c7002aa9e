import type { Manifest } from '../../../contract/manifest/manifest.ts';

const oldFloats = 'FLOAT columns are dumped with six digits, what exceeds that is lost: ';

/** What manifests from before there were exceptions say in their warnings alone, though a proof has to except it. */
export function oldLosses({ warnings }: Manifest): string[] {
  return warnings.flatMap((one) =>
    one.startsWith(oldFloats) ? [`FLOAT columns, which may have lost digits: ${one.slice(oldFloats.length)}`] : [],
  );
}
