import { acceptanceOf } from '../../../core/commands/check/accept.ts';
import { check } from '../../../core/commands/check/check.ts';
import type { Checked } from '../../../core/commands/check/check.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import type { Retention } from '../../../core/contract/config/settings/settings.ts';
import type { Message } from '../../../core/contract/events/message.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { manifestKey } from '../../../core/domain/layout/places.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { proofKey } from '../../../core/domain/layout/records.ts';
import type { ProofRecord } from '../../../core/domain/layout/records.ts';
import { openStore } from '../../../core/store/store.ts';
import { policyOf } from '../vaults/history.ts';
import { hourMs, shop, watching } from '../vaults/seen.ts';
import { storeBackup } from '../vaults/stored.ts';
import type { StoredBackup } from '../vaults/stored.ts';
import { depsOf, limit, memoryScene } from '../vaults/vault.ts';
import type { VaultScene } from '../vaults/vault.ts';

/**
 * A source that lives for some nights in a vault in memory: a backup, an hour later a check that tells, then a
 * rotation, all real, by a clock of ours.
 */
export function nights(first: Retention, { hours = 24 } = {}) {
  return nightsIn(memoryScene(), first, { hours });
}

/** The same in another vault. */
export async function nightsIn<Scene extends VaultScene>(scene: Scene, first: Retention, { hours = 24 } = {}) {
  const { vault } = scene;
  await vault.putIfAbsent(objectKey('note.txt'), Buffer.from('hello'), {}, limit());
  let now = new Date('2026-03-01T02:00:00Z');
  const clock = { now: () => now };
  const heard: {
    night: number;
    severity: Message['severity'];
    kind: Message['kind'];
    was: string;
    subject: string;
    next: string[];
  }[] = [];
  let night = 0;
  const listener = {
    name: 'listener',
    notify: async (message: Message) =>
      void heard.push({
        night,
        severity: message.severity,
        kind: message.kind,
        was: message.facts.find(({ label }) => label === 'Was')?.value ?? '',
        subject: message.subject,
        next: message.next,
      }),
  };
  const watched = { ...watching(), place: vault.place, retention: first };
  const memory = { shrink: watched.watch.shrink, timeZone: 'UTC', retention: first };
  const checking = (): Promise<Checked> =>
    check(
      [watched],
      { whole: true },
      { store: openStore(vault), clock, notifiers: [listener], meter: () => {} },
      limit(),
    );
  return {
    ...scene,
    heard,
    memory,
    clock,
    checking,
    /** A night as it goes; `between` happens after the backup and before the check. Returns what the check found. */
    async night(
      backup: StoredBackup | undefined,
      between: (id: BackupId | undefined) => Promise<unknown> = async () => {},
    ): Promise<{ id: BackupId | undefined; kinds: string[]; checked: Checked }> {
      night += 1;
      const id = backup && (await storeBackup(vault, 'shop', now, backup));
      now = new Date(now.getTime() + (hours * hourMs) / 24);
      await between(id);
      const checked = await checking();
      await rotate(
        shop,
        policyOf(memory.retention),
        { dryRun: false, anyShare: false },
        { ...depsOf(vault), clock },
        limit(),
      );
      now = new Date(now.getTime() + hours * hourMs * (23 / 24));
      return { id, kinds: checked.judgements[0]!.findings.map(({ kind }) => kind), checked };
    },
    /** Changes what the configuration says of the retention. */
    retain(retention: Retention): void {
      memory.retention = retention;
      watched.retention = retention;
    },
    async accept(): Promise<string[]> {
      const { what, accept } = await acceptanceOf(shop, memory, { store: openStore(vault), clock }, limit());
      await accept('ann@web', limit());
      return what.map(({ what: one }) => one);
    },
    async prove(id: BackupId, kind: ProofRecord['kind'], outcome: ProofRecord['outcome']): Promise<void> {
      await vault.putIfAbsent(proofKey(shop, id, { kind, outcome, at: now }), Buffer.from('{}'), {}, limit());
    },
    async drop(id: BackupId): Promise<void> {
      for await (const { key } of vault.list(`shop/${id}/`, limit())) await vault.delete(key, limit());
    },
    async ids(): Promise<string[]> {
      const keys = (await Array.fromAsync(vault.list('shop/', limit()))).map(({ key }) => String(key));
      return keys
        .filter((key) => key.endsWith('/manifest.json'))
        .map((key) => key.split('/')[1]!)
        .sort();
    },
    manifestOf: (id: BackupId) => manifestKey(shop, id),
    /** The nights on which something of a kind was told, in this way. */
    told: (kind: string, severity: Message['severity'] = 'problem') =>
      heard.filter((one) => one.kind === kind && one.severity === severity).map((one) => one.night),
  };
}

export type Nights = Awaited<ReturnType<typeof nights>>;
