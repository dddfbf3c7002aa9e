import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Engine, Source } from '../../../../core/ports.ts';
import type { Vault } from '../../../../core/vault.ts';
import { newBackupId } from '../../../../core/domain/keys.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { openStore } from '../../../../core/store/store.ts';
import { chunks } from '../../../contract/vault/vault-data.ts';
import { memoryScene, limit } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const engine = {
  open: () => ({
    content: chunks(Buffer.from('rows'), Buffer.from('more rows')),
    notes: async () => ({ heard: [] }),
  }),
} as unknown as Engine;
const source = { name: 'shop' as SourceName, engine, compressionLevel: 1, parallel: 1 } as Source;
let made = 0;
const nextId = () => newBackupId(new Date('2026-11-20T02:00:00Z'), (made += 1) / 0x1000000);
let scene: VaultScene;

beforeAll(async () => {
  scene = memoryScene();
});
afterAll(() => scene.remove());

/** A vault that stores all of it, and says another size. */
function reporting(more: number): Vault {
  return { ...scene.vault, put: async (...args) => ({ bytes: (await scene.vault.put(...args)).bytes + more }) };
}

test.each([
  ['is', 0, true],
  ['is one byte less than', -1, false],
  ['is one byte more than', 1, false],
  ['is nothing of', -Infinity, false],
])('a part whose size in the vault %s what was sent', async (_, more, good) => {
  for (const compress of [true, false]) {
    const part = {
      role: 'data' as const,
      file: 'data/0001.sql',
      compress,
      estimatedBytes: 0,
      hasRows: false,
      recipe: null,
    };
    const stored = openStore(reporting(more)).storeParts(
      { parts: [part], catalog: {} },
      { source, id: nextId(), tiers: [] },
      () => {},
      limit(),
    );

    if (good) expect((await stored)[0]!.part).toMatchObject({ bytes: 13, sha256: expect.any(String) });
    else
      await expect(stored).rejects.toMatchObject({
        code: 'vault-failed',
        message: expect.stringContaining('bytes were sent, the vault holds'),
      });
  }
});
