import { acceptanceOf } from '../../../core/commands/check/accept.ts';
import { backup } from '../../../core/commands/backup.ts';
import { check } from '../../../core/commands/check/check.ts';
import { drill } from '../../../core/commands/proof/drill.ts';
import { listBackups } from '../../../core/commands/list.ts';
import { restoreRecorded } from '../../../core/commands/restore/restore.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import { findStuckLease, unlock, watchForRenewal } from '../../../core/commands/unlock.ts';
import { verifyRecorded } from '../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { openStore } from '../../../core/store/store.ts';
import { chooseBackup } from '../../../core/survey/choose.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import type { Policy } from '../../../core/domain/retention/rotation.ts';
import type { Meter, Notifier, Source } from '../../../core/ports.ts';
import type { Vault } from '../../../core/vault.ts';
import { toyEngine, toySource } from './toy-engine.ts';
import type { ToyServer } from './toy-engine.ts';
import { policyOf } from '../vaults/history.ts';
import { shop, watching } from '../vaults/seen.ts';

export type VerbsDeps = {
  vault: Vault;
  server: ToyServer;
  now: () => Date;
  /** Who asks: its run, and whether other holders are known to be gone. */
  run: string;
  random: () => number;
  signal: AbortSignal;
  notifiers: readonly Notifier[];
  meter?: Meter;
};

export const threeKept = policyOf({ count: 3 });
const memory = { shrink: watching().watch.shrink, timeZone: 'UTC', retention: threeKept.retention };

/** What people and schedules ask of the source `shop`, by the commands' own front doors, with one vault and one clock. */
export function verbs({ vault, server, now, run, random, signal, notifiers, meter = () => undefined }: VerbsDeps) {
  const identity = { run, holder: `host of ${run}`, isGone: () => false };
  const store = openStore(vault);
  const common = { store, clock: { now }, identity, report: () => undefined };
  const source: Source = { ...toySource(toyEngine(server, 'shop')), retention: threeKept.retention };
  const watched = { ...watching(), place: vault.place, retention: threeKept.retention };
  const deps = { ...common, parallel: 2 };
  return {
    backup: () => backup(source, { ...common, random, version: 'test' }, signal),
    verify: (manifest: Manifest) => verifyRecorded(manifest, common, signal),
    restore: (manifest: Manifest, into: string, replace: boolean) =>
      restoreRecorded(manifest, toyEngine(server, into), { replace, owners: true, proof: true }, deps, signal),
    drill: (manifest: Manifest) =>
      drill(manifest, toyEngine(server, 'scratch'), { owners: true, tablespaces: false, assert: [] }, deps, signal),
    latest: () => chooseBackup(shop, 'latest', memory, common, signal),
    list: async () => (await listBackups(shop, memory, common, signal)).backups,
    rotate: (policy: Policy = threeKept) => rotate(shop, policy, { dryRun: false, anyShare: true }, common, signal),
    check: () => check([watched], { whole: true }, { store, clock: { now }, notifiers, meter }, signal),
    accept: async () => {
      const { what, accept } = await acceptanceOf(shop, memory, common, signal);
      if (what.length > 0) await accept('somebody', signal);
      return what;
    },
    unlock: async () => {
      const stuck = await findStuckLease(shop, common, signal);
      if (stuck === undefined) return false;
      await watchForRenewal(shop, stuck, common, signal, 0);
      await unlock(shop, stuck, common, signal);
      return true;
    },
    pin: (id: BackupId) => store.pin(shop, id, { reason: 'an audit', by: run }, common, signal),
    unpin: (id: BackupId) => store.unpin(shop, id, signal),
  };
}

export type Verbs = ReturnType<typeof verbs>;
