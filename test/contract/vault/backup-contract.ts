import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { copyBackup } from '../../../core/commands/copy.ts';
import { listBackups } from '../../../core/commands/list.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { backupId, objectKey } from '../../../core/domain/keys.ts';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import { newSigningKey } from '../../../core/signing.ts';
import type { Store } from '../../../core/store/store.ts';
import { memoryOf } from '../../../core/survey/watched.ts';
import type { Vault } from '../../../core/vault.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { signedStore } from '../../support/keys/signed.ts';
import { choosing, shop, waysOn } from '../../support/keys/ways.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../support/worlds/toy-engine.ts';
import { none, policyOf } from '../../support/vaults/history.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';

const forms = {
  plain: { encrypted: false, signed: false },
  encrypted: { encrypted: true, signed: false },
  signed: { encrypted: false, signed: true },
  'encrypted and signed': { encrypted: true, signed: true },
};
type FormName = keyof typeof forms;
const days = ['2026-11-20', '2026-11-21'];
const clock = { now: () => new Date('2026-11-21T12:00:00Z') };
/** What a file of age and a frame of zstd begin with, by their specifications. */
const marks = { age: 'age-encryption.org/v1', zstd: '28b52ffd' };
/** What backups are in every vault, plain, encrypted and signed: made, listed, read, brought elsewhere and rotated. */
export function backupContract(name: string, open: (form: string) => Promise<Vault>): void {
  describe.each(Object.keys(forms) as FormName[])(`${name}: %s backups`, (form) => {
    const rows = Array.from({ length: 3000 }, () => randomBytes(32).toString('hex'));
    const server: ToyServer = new Map([['shop', { orders: rows, items: ['hat', 'coat'] }]]);
    const ways = waysOn(server);
    const ours = newSigningKey();
    const words = forms[form].signed ? { publicKeys: [ours.publicKey], privateKey: ours.privateKey } : undefined;
    let age: Awaited<ReturnType<typeof newIdentity>>;
    let vault: Vault;
    let made: Manifest[];
    const storeOf = (of: Vault): Store => signedStore(of, words, forms[form].encrypted ? age.identity : undefined);
    const bodyOf = async (of: Vault, id: string, file: string) =>
      (await Array.fromAsync(of.list(`shop/${id}/`, limit()))).some(({ key }) => key.endsWith(`/${file}`))
        ? Buffer.concat(await Array.fromAsync(of.get(objectKey(`shop/${id}/${file}`), limit())))
        : undefined;

    beforeAll(async () => {
      age = await newIdentity();
      vault = await open(form.replaceAll(' ', '-'));
      const recipients = forms[form].encrypted ? [age.recipient] : [];
      made = [];
      for (const day of days) {
        const deps = { ...depsOf(vault), store: storeOf(vault), clock: { now: () => new Date(`${day}T02:00:00Z`) } };
        made.push(await backup({ ...toySource(toyEngine(server, 'shop')), recipients }, deps, limit()));
      }
    });

    test('what was made is listed as good, and lies there in this form', async () => {
      const { backups } = await listBackups(shop, memoryOf(undefined), { store: storeOf(vault), clock }, limit());
      const { id, parts, encryption } = made[1]!;
      const heads = await Promise.all(parts.map(async ({ file }) => (await bodyOf(vault, id, file))!.subarray(0, 21)));
      const [manifest, signature] = [await bodyOf(vault, id, 'manifest.json'), await bodyOf(vault, id, 'manifest.sig')];

      expect(backups.map(({ verdict, ...one }) => [one.id, verdict.good])).toEqual(made.map((one) => [one.id, true]));
      for (const head of heads)
        if (forms[form].encrypted) expect(head.toString('latin1')).toBe(marks.age);
        else expect(head.subarray(0, 4).toString('hex')).toBe(marks.zstd);
      expect(encryption?.recipients).toEqual(forms[form].encrypted ? [age.recipient] : undefined);
      expect(signature === undefined).toBe(!forms[form].signed);
      if (signature === undefined) return;
      const key = createPublicKey({ key: Buffer.from(ours.publicKey, 'base64'), format: 'der', type: 'spki' });
      expect(verify(null, manifest!, key, signature)).toBe(true);
    });

    test('it is verified, restored and drilled, and a restore gives back what was there', async () => {
      for (const way of Object.values(ways)) await way(storeOf(vault), made[1]!.id);

      expect(server.get('again')).toEqual(server.get('shop'));
      expect(server.delete('again')).toBe(true);
      expect([...server.keys()]).toEqual(['shop']);
    });

    test('it is brought into a folder byte for byte, by whoever has no private key, and restored from there', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'nightjar-pulled-'));
      try {
        const { id, parts } = made[1]!;
        const keyless = words && { publicKeys: words.publicKeys };
        const there = folderVault(folder);
        const { identity, report } = depsOf(there);
        const [from, to] = [signedStore(vault, keyless), signedStore(there, keyless)];
        const received = await copyBackup(shop, backupId(id), { from, to, clock, identity, report }, limit());

        expect(received).toMatchObject({ state: 'copied', parts: parts.length });
        for (const file of [...parts.map((part) => part.file), 'manifest.json', 'manifest.sig'])
          expect(await readFile(join(folder, 'shop', id, file)).catch(() => undefined)).toEqual(
            await bodyOf(vault, id, file),
          );
        await ways['restore']!(storeOf(there), 'latest');
        expect(server.get('again')).toEqual(server.get('shop'));
      } finally {
        server.delete('again');
        await rm(folder, { recursive: true, force: true });
      }
    });

    if (forms[form].encrypted)
      test('without the identity it is verified, and not restored', async () => {
        const keyless = signedStore(vault, words);

        await ways['verify']!(keyless, made[1]!.id);
        for (const name of ['restore', 'drill'])
          await expect(ways[name]!(keyless, made[1]!.id)).rejects.toMatchObject({ code: 'key-missing' });
        expect([...server.keys()]).toEqual(['shop']);
      });

    if (forms[form].signed)
      test('to whoever expects another key it is worth nothing', async () => {
        const strangers = signedStore(vault, { publicKeys: [newSigningKey().publicKey] }, age.identity);

        for (const which of [made[1]!.id, 'latest'])
          await expect(choosing(strangers, which)).rejects.toMatchObject({ code: 'manifest-unsigned' });
      });

    test('rotation removes all of the older one, and the newer one is as good as before', async () => {
      const deps = { ...depsOf(vault), store: storeOf(vault), clock };
      const policy = policyOf({ ...none, daily: 1 });

      const { failures } = await rotate(shop, policy, { dryRun: false, anyShare: false }, deps, limit());

      const left = (
        await Array.fromAsync(vault.list('shop/', limit()), ({ key }) => String(key).split('/')[1]!)
      ).filter((folder) => folder.startsWith('2026'));
      expect(failures).toEqual([]);
      expect([...new Set(left)]).toEqual([made[1]!.id]);
      await ways['verify']!(storeOf(vault), 'latest');
    });
  });
}
