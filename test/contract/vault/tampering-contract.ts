import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { messageOf } from '../../../core/domain/errors.ts';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import { newSigningKey } from '../../../core/signing.ts';
import type { Store } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { signedStore } from '../../support/keys/signed.ts';
import { tamperings, vandal } from '../../support/keys/tampering.ts';
import type { Target } from '../../support/keys/tampering.ts';
import { waysOn } from '../../support/keys/ways.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../support/worlds/toy-engine.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';

/** What a vault's own ways show in: objects that are missing, empty, shorter, longer, or were moved. */
const kinds = [
  'a part removed',
  'a part cut at the edge of a chunk',
  'the older backup under the new id, as it is',
  'from signed to plain: the signature removed',
  'a signature of nothing',
];

/** What no vault may let pass of what somebody has changed who may write to it, where signing is configured. */
export function tamperingContract(name: string, open: (form: string) => Promise<Vault>): void {
  describe(`${name}, and somebody who may write to it`, () => {
    const rows = Array.from({ length: 3000 }, () => randomBytes(32).toString('hex'));
    const server: ToyServer = new Map([['shop', { orders: rows, items: ['hat', 'coat'] }]]);
    const ways = waysOn(server);
    const ours = newSigningKey();
    let vault: Vault;
    let store: Store;
    let target: Target;

    beforeAll(async () => {
      const { identity, recipient } = await newIdentity();
      vault = await open('tampered');
      store = signedStore(vault, { publicKeys: [ours.publicKey], privateKey: ours.privateKey }, identity);
      const source = { ...toySource(toyEngine(server, 'shop')), recipients: [recipient] };
      const making = (at: string) =>
        backup(source, { ...depsOf(vault), store, clock: { now: () => new Date(at) } }, limit());
      const older = await making('2026-11-20T02:00:00Z');
      target = { older, newer: await making('2026-11-21T02:00:00Z'), recipient };
    });

    async function outcomes(): Promise<Record<string, string>> {
      const found: Record<string, string> = {};
      for (const [way, take] of Object.entries(ways))
        found[way] = await take(store, target.newer.id).then(() => 'taken', messageOf);
      return found;
    }

    test.each(kinds)('tampering is detected by verify, restore and drill: %s', async (kind) => {
      const by = vandal(vault, target);
      try {
        await tamperings[kind]!(by);

        expect(Object.entries(await outcomes()).filter(([, outcome]) => outcome === 'taken')).toEqual([]);
        expect([...server.keys()]).toEqual(['shop']);
      } finally {
        await by.undo();
      }
    });

    test('what was put back is taken again', async () => {
      expect(await outcomes()).toEqual({ verify: 'taken', restore: 'taken', drill: 'taken' });
    });
  });
}
