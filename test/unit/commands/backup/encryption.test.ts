import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { armor, Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import { verify } from '../../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { Engine } from '../../../../core/ports.ts';
import { openStore } from '../../../../core/store/store.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../../support/worlds/toy-engine.ts';
import { folderScene, limit } from '../../../support/vaults/vault.ts';
import type { FolderScene } from '../../../support/vaults/vault.ts';

const canary = 'nobody may read this line';
const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);

let scene: FolderScene;
let server: ToyServer;

beforeEach(async () => {
  scene = await folderScene();
  server = new Map([['shop', { orders: [canary, '2', '3'], items: ['hat', 'coat'] }]]);
});
afterEach(() => scene.remove());

const source = (recipients: string[]) => ({ ...toySource(toyEngine(server, 'shop')), recipients });
const backingUp = (recipients = [recipient]): Promise<Manifest> => backup(source(recipients), scene.deps(), limit());
const storeWith = (...identities: string[]) =>
  identities.length === 0 ? openStore(scene.vault) : openStore(scene.vault, async () => identities);
const restoring = (manifest: Manifest, ...identities: string[]) =>
  restore(
    manifest,
    toyEngine(server, 'again'),
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), store: storeWith(...identities), parallel: 2 },
    limit(),
  );
const verifying = (manifest: Manifest, ...identities: string[]) =>
  verify(manifest, { store: storeWith(...identities), report: () => {} }, limit());

test('what was encrypted is restored and proven with the identity, and every part is', async () => {
  const manifest = await backingUp();

  const { proof } = await restoring(manifest, identity);

  expect(manifest.encryption).toEqual({ method: 'age', recipients: [recipient] });
  expect(manifest.parts.map(({ file }) => file).sort()).toEqual([
    'catalog.json.zst.age',
    'data/0001.sql.zst.age',
    'data/0002.sql.zst.age',
    'schema.sql.zst.age',
  ]);
  expect(proof).toMatchObject({ differences: [] });
  expect(server.get('again')).toEqual(server.get('shop'));
});

test('no line of it lies in the vault, neither plain nor compressed', async () => {
  const { id } = await backingUp();

  const parts = (await scene.files()).filter((path) => path.startsWith(`shop/${id}/`) && !path.endsWith('.json'));
  const heads = await Promise.all(parts.map((path) => readFile(join(scene.folder, path))));

  expect(heads.map((bytes) => bytes.subarray(0, 21).toString())).toEqual(parts.map(() => 'age-encryption.org/v1'));
  // zstd stores so short a text as it is
  expect(Buffer.concat(heads).includes(canary)).toBe(false);
});

test('a recipient that is none fails the backup before its first byte, and nothing is stored plain', async () => {
  await expect(backingUp(['age1nobody'])).rejects.toMatchObject({ code: 'config-invalid' });

  expect((await scene.files()).filter((path) => path.startsWith('shop/2'))).toEqual([]);
});

test('without the identity, and with another one, nothing is restored', async () => {
  const manifest = await backingUp();
  const another = await generateX25519Identity();

  await expect(restoring(manifest)).rejects.toMatchObject({
    code: 'key-missing',
    hint: expect.stringContaining('sources.shop.encryption.identity'),
  });
  await expect(restoring(manifest, another)).rejects.toMatchObject({ code: 'key-missing' });
  expect(server.has('again')).toBe(false);
});

test('verify needs no identity, says that it has opened nothing, and finds a changed byte all the same', async () => {
  const manifest = await backingUp();
  const [part] = manifest.parts;
  const path = join(scene.folder, 'shop', manifest.id, part!.file);

  expect(await verifying(manifest)).toMatchObject({ sealed: true, problems: [] });
  expect(await verifying(manifest, await generateX25519Identity())).toMatchObject({ sealed: true, problems: [] });
  expect(await verifying(manifest, identity)).toMatchObject({ sealed: false, problems: [] });

  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  const damage = { problems: [{ file: part!.file, error: { code: 'part-corrupt' } }] };
  expect(await verifying(manifest)).toMatchObject(damage);
  expect(await verifying(manifest, identity)).toMatchObject(damage);
});

test('the stock commands decrypt each part into a file, and go on as ever', async () => {
  const { restore: commands, parts } = await backingUp();

  for (const { file, sha256 } of parts) {
    expect(commands).toContain(`echo '${sha256}  ${file}' | sha256sum --check`);
    expect(commands).toContain(`age --decrypt --identity "$IDENTITY" --output ${file.slice(0, -4)} ${file}`);
  }
});

test('a command that holds values of the database is encrypted too, and runs once it is decrypted', async () => {
  const engine: Engine = { ...toyEngine(server, 'shop'), restoreCommands: () => [{ private: `echo '${canary}'` }] };

  const sealed = await backup({ ...source([recipient]), engine }, scene.deps(), limit());
  const plain = await backup({ ...source([]), engine }, scene.deps(), limit());

  expect(JSON.stringify(sealed)).not.toContain(canary);
  expect(plain.restore.at(-1)).toBe(`echo '${canary}'`);
  const [, text = ''] = /<<'END'\n(.*)\nEND\n\)\neval "\$private"$/s.exec(sealed.restore.at(-1)!) ?? [];
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  expect(await decrypter.decrypt(armor.decode(text), 'text')).toBe(`echo '${canary}'`);
});

test('what was stored plain before stays readable', async () => {
  const manifest = await backingUp([]);

  expect(manifest.encryption).toBeNull();
  expect((await restoring(manifest, identity)).proof).toMatchObject({ differences: [] });
});
