import { backup } from '../../../core/commands/backup.ts';
import type { BackupDeps } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { inspection } from '../../../core/engines/files/inspection.ts';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import { listKeysIn } from '../../../core/secrets/list-keys.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { depsOf, limit } from '../vaults/vault.ts';
import type { VaultScene } from '../vaults/vault.ts';
import { toySource } from '../worlds/toy-engine.ts';
import { filesSceneIn } from './scene.ts';

const dayMs = 86_400_000;

/** A folder that is backed up encrypted, night after night, by a machine that keeps the keys to its lists. */
export async function sealedScene<V extends VaultScene>(opening: () => V | Promise<V>) {
  const scene = await filesSceneIn(opening);
  const { identity, recipient } = await newIdentity();
  let day = 0;
  const clock = { now: () => new Date(Date.now() + day * dayMs) };
  const keys = scene.path('cache/list-keys');
  const told: string[] = [];
  const report: BackupDeps['report'] = (event) => void (event.type === 'warning' && told.push(event.message));
  const deps = (own: Partial<BackupDeps> = {}, vault: Vault = scene.vault.vault): BackupDeps => ({
    ...depsOf(vault),
    clock,
    report,
    listKeys: listKeysIn(async () => keys, vault.place),
    ...own,
  });
  const storeOpened = (vault: Vault, ...identities: string[]) => ({
    ...deps({}, vault),
    store: openStore(vault, async () => identities),
  });
  return {
    ...scene,
    identity,
    recipient,
    /** Where the machine keeps its keys. */
    keys,
    /** What was warned of since it was looked at last. */
    told: () => told.splice(0),
    clock,
    sleep: (days: number) => void (day += days),
    another: () => newIdentity(),
    depsOf: deps,
    /** The same for whoever has an identity. */
    opened: (vault: Vault = scene.vault.vault) => storeOpened(vault, identity),
    night(own: Partial<BackupDeps> = {}, { recipients = [recipient], vault = scene.vault.vault } = {}) {
      day += 1;
      const source = { ...toySource(scene.engine()), compressionLevel: 1, recipients };
      return backup(source, deps(own, vault), limit());
    },
    async problems(one: Manifest, vault: Vault = scene.vault.vault): Promise<string[]> {
      const { problems } = await verify(one, { ...storeOpened(vault, identity), ...inspection }, limit());
      return problems.map(({ error }) => error.message);
    },
    restored: (one: Manifest, name: string, by = identity) =>
      restore(
        one,
        scene.engine(name),
        { replace: false, owners: true, proof: true },
        { ...storeOpened(scene.vault.vault, by), parallel: 2 },
        limit(),
      ),
  };
}

export type SealedScene = Awaited<ReturnType<typeof sealedScene>>;

/** Parts of a backup that another one has, too. */
export function inCommon(one: Manifest, other: Manifest): string[] {
  const known = new Set(other.parts.map(({ sha256 }) => sha256));
  return one.parts.filter(({ sha256 }) => known.has(sha256)).map(({ file }) => file);
}
