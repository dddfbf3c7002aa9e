import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Tags, Vault } from '../../../core/vault.ts';
import { carePromises } from './vault-care.ts';
import { placePromises } from './vault-places.ts';
import { streamPromises } from './vault-streams.ts';
import { swapPromises } from './vault-swaps.ts';

/** A vault of its own for a run of the contract, empty at first. */
export type VaultUnderTest = {
  vault: Vault;
  /** The same kind of vault at a place that is not there, whose name has `not-there` in it. */
  missing: Vault;
  /** What unfinished writes have left: file names, multipart uploads. */
  leftovers(): Promise<string[]>;
  /** The tags of an object; undefined for a vault that has none. */
  tagsOf: ((key: string) => Promise<Tags>) | undefined;
  /** Whether its store writes over an object when it puts an upload together: it knows no condition there. */
  completesOver?: boolean;
  /** How many keys a listing of its store gives at once; a thousand, as S3 does, if it is not said. */
  pageSize?: number;
  close(): Promise<void>;
};

const openLimitMs = 600_000;
const closeLimitMs = 60_000;

/** What every vault promises (`Vault` in core/ports.ts), of one that `open` makes. */
export function vaultContract(name: string, open: () => Promise<VaultUnderTest>): void {
  describe(name, () => {
    let opened: VaultUnderTest | undefined;
    const under = (): VaultUnderTest => {
      if (opened === undefined) throw new Error(`${name} was not opened`);
      return opened;
    };

    beforeAll(async () => {
      opened = await open();
    }, openLimitMs);
    afterAll(() => opened?.close(), closeLimitMs);

    streamPromises(under);
    swapPromises(under);
    placePromises(under);
    carePromises(under);
  });
}
