import { drill } from '../../../core/commands/proof/drill.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Store } from '../../../core/store/store.ts';
import { chooseBackup } from '../../../core/survey/choose.ts';
import type { Chosen } from '../../../core/survey/choose.ts';
import { memoryOf } from '../../../core/survey/watched.ts';
import { toyEngine } from '../worlds/toy-engine.ts';
import type { ToyServer } from '../worlds/toy-engine.ts';
import { limit } from '../vaults/vault.ts';

export const shop = 'shop' as SourceName;

const clock = { now: () => new Date('2026-11-21T12:00:00Z') };
const depsFor = (store: Store) => ({ store, clock, report: () => {}, parallel: 2 });

/** The backup that is meant: by its id, or `latest`. */
export function choosing(store: Store, which: string, memory = memoryOf(undefined)): Promise<Chosen> {
  return chooseBackup(shop, which, memory, { store, clock }, limit());
}

/**
 * The ways in which a backup of `shop` is taken for good, each of which throws where it is not. A restore makes the
 * database `again`, a drill `scratch`, on the server of the toy engine.
 */
export function waysOn(
  server: ToyServer,
  memory = memoryOf(undefined),
): Record<string, (store: Store, which: string) => Promise<void>> {
  return {
    async verify(store, which) {
      const { manifest } = await choosing(store, which, memory);
      const { problems } = await verify(manifest, { store, report: () => {} }, limit());
      if (problems[0] !== undefined) throw problems[0].error;
    },
    async restore(store, which) {
      const { manifest } = await choosing(store, which, memory);
      const options = { replace: false, owners: true, proof: true };
      await restore(manifest, toyEngine(server, 'again'), options, depsFor(store), limit());
    },
    async drill(store, which) {
      const { manifest } = await choosing(store, which, memory);
      const options = { owners: true, tablespaces: false, assert: [] };
      await drill(manifest, toyEngine(server, 'scratch'), options, depsFor(store), limit());
    },
  };
}
