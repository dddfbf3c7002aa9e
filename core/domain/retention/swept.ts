import type { RotateResult } from '../../contract/events/requests.ts';
import type { Bytes } from '../units.ts';

type SweptOf = Omit<RotateResult['swept'], 'packs'> & { packs?: { keys: readonly string[]; bytes: Bytes } };

/** What a rotation has swept, for programs, on the command line and on AWS alike: how much, not which objects. */
export function sweptDocument({ state, objects, uploads, bytes, packs }: SweptOf): RotateResult['swept'] {
  return {
    state,
    objects,
    uploads,
    bytes,
    ...(packs && { packs: { count: packs.keys.length, bytes: packs.bytes } }),
  };
}
