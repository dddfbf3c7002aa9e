import { expect, test } from '@jest/globals';
import { check } from '../../core/commands/check/check.ts';
import { chooseBackup } from '../../core/survey/choose.ts';
import { verdictOfSource } from '../../core/survey/verdict-of-source.ts';
import { listBackups } from '../../core/commands/list.ts';
import { rotate } from '../../core/commands/rotate.ts';
import { messageOfFinding } from '../../core/domain/messages/check.ts';
import { isBackupError } from '../../core/domain/errors.ts';
import { objectKey } from '../../core/domain/keys.ts';
import { manifestKey, partKey } from '../../core/domain/layout/places.ts';
import type { BackupId } from '../../core/domain/keys.ts';
import { pinKey, proofKey, proofKinds } from '../../core/domain/layout/records.ts';
import type { ProofRecord } from '../../core/domain/layout/records.ts';
import type { Vault } from '../../core/vault.ts';
import { openStore } from '../../core/store/store.ts';
import { drawing } from '../support/random/drawing.ts';
import { none, policyOf } from '../support/vaults/history.ts';
import { hourMs, shop, watching } from '../support/vaults/seen.ts';
import { storeBackup } from '../support/vaults/stored.ts';
import { depsOf, memoryScene, limit, overwrite } from '../support/vaults/vault.ts';

const vaults = 40;
const now = new Date('2026-11-20T12:00:00Z');
const retention = { ...none, daily: 3, weekly: 2 };
const memory = { shrink: watching().watch.shrink, timeZone: 'UTC', retention };

/** What was done to a backup, so that it is known what it is worth: by whoever did it, and not by what is tested. */
type Made = {
  id: BackupId;
  spoiled: 'part' | 'manifest' | undefined;
  date: 'forged' | undefined;
  proofs: ProofRecord[];
};

/**
 * A look fails a backup until a look of at least its strength passes. Written once more, in another way than in
 * verdict.ts.
 */
function isFailed(proofs: readonly ProofRecord[]): boolean {
  return proofs.some(
    (failed, index) =>
      failed.outcome === 'failed' &&
      !proofs
        .slice(index + 1)
        .some((later) => later.outcome === 'passed' && (later.kind !== 'verify' || failed.kind === 'verify')),
  );
}

function isProven(proofs: readonly ProofRecord[]): boolean {
  return proofs.some(
    (passed, index) =>
      passed.outcome === 'passed' &&
      passed.kind !== 'verify' &&
      !proofs.slice(index + 1).some(({ outcome }) => outcome === 'failed'),
  );
}

const isBad = ({ spoiled, date, proofs }: Made): boolean =>
  spoiled !== undefined || date !== undefined || isFailed(proofs);

/**
 * A vault of one to nine backups, to some of which anything has happened, in any order; checks have looked at it in
 * between.
 */
async function randomVault(vault: Vault, draw: () => number, looking: (at: Date) => Promise<unknown>): Promise<Made[]> {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(draw() * items.length)]!;
  const made: Made[] = [];
  const count = 1 + Math.floor(draw() * 9);
  for (let index = 0; index < count; index += 1) {
    const start = new Date(now.getTime() - (count - index) * 24 * hourMs * pick([1, 1, 1, 0.9]));
    const forged = draw() < 0.15 ? pick(['start', 'end', 'future'] as const) : undefined;
    const at = forged === 'future' ? new Date(`2100-01-0${1 + (index % 9)}T02:00:00Z`) : start;
    const dates =
      forged === 'start'
        ? { start: new Date(start.getTime() - 5 * hourMs), end: start }
        : forged === 'end'
          ? { start, end: new Date(start.getTime() - hourMs) }
          : undefined;
    const options = {
      parts: 1 + Math.floor(draw() * 3),
      rows: draw() < 0.2 ? 10 : 1000,
      database: draw() < 0.1 ? 'other' : 'shop',
      random: (index + 1) / 100,
      ...(dates && { dates }),
    };
    const id = await storeBackup(vault, 'shop', at, options);
    const spoiled = draw() < 0.15 ? ('part' as const) : draw() < 0.1 ? ('manifest' as const) : undefined;
    const one: Made = { id, spoiled, date: forged && 'forged', proofs: [] };
    made.push(one);
    if (draw() < 0.5) await looking(new Date(start.getTime() + hourMs));
    await spoil(vault, id, spoiled, draw);
    for (let look = Math.floor(draw() * 4); look > 0; look -= 1)
      one.proofs.push({
        kind: pick(proofKinds),
        outcome: pick(['passed', 'failed'] as const),
        at: new Date(start.getTime() + (6 - look) * hourMs),
      });
    for (const proof of one.proofs) await vault.putIfAbsent(proofKey(shop, id, proof), Buffer.from('{}'), {}, limit());
    if (draw() < 0.1) await vault.putIfAbsent(pinKey(shop, id), Buffer.from('{}'), {}, limit());
  }
  if (count > 2 && draw() < 0.4) {
    // put behind newer ones that a check has seen
    await looking(now);
    const second = [...made].filter(({ date }) => date === undefined).at(-1);
    if (second !== undefined) {
      const id = await storeBackup(
        vault,
        'shop',
        new Date(
          Number(Date.parse(`${second.id.slice(0, 4)}-${second.id.slice(4, 6)}-${second.id.slice(6, 8)}T00:00:00Z`)) -
            30 * 24 * hourMs,
        ),
        { random: 0.9 },
      );
      // a newer one was there, whatever has become of its manifest since
      made.push({
        id,
        spoiled: undefined,
        date: 'forged',
        proofs: [],
      });
    }
  }
  return made.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function spoil(vault: Vault, id: BackupId, how: Made['spoiled'], draw: () => number): Promise<void> {
  const part = partKey(shop, id, 'data/0001.sql.zst');
  if (how === 'part' && draw() < 0.5) await vault.delete(part, limit());
  else if (how === 'part') await overwrite(vault, part, 'cut short'.slice(0, 1 + Math.floor(draw() * 3)));
  else if (how === 'manifest') await overwrite(vault, manifestKey(shop, id), '{"format":2}');
}

/** What each verb says of the vault. */
async function said(vault: Vault) {
  const deps = { ...depsOf(vault), clock: { now: () => now } };
  const watched = { ...watching({ drillEveryMs: 30 * 24 * hourMs }), place: vault.place, retention };
  const latest = await chooseBackup(shop, 'latest', memory, deps, limit()).catch((error: unknown) => {
    // none is there, or none is good: all of them are damaged, or the newest can't be read
    if (!isBackupError(error, 'backup-missing', 'part-corrupt', 'manifest-invalid')) throw error;
    return undefined;
  });
  const {
    judgements: [judgement],
  } = await check(
    [watched],
    { whole: true },
    { store: openStore(vault), clock: deps.clock, notifiers: [], meter: () => {} },
    limit(),
  );
  const { backups, verdict } = await listBackups(shop, memory, deps, limit());
  const dry = await rotate(shop, { ...policyOf(retention) }, { dryRun: true, anyShare: true }, deps, limit());
  const left = await verdictOfSource(shop, memory, deps, limit());
  const messages = judgement!.findings.flatMap(({ kind }) => messageOfFinding(judgement!, kind, { at: now }) ?? []);
  return { latest, judgement: judgement!, backups, verdict, dry, left: left.verdict, messages, deps };
}

test.each(Array.from({ length: vaults }, (_, seed) => seed))(
  'check, list, latest, rotate, restore and messages agree on random vault %d, and on what is left of it',
  async (seed) => {
    const scene = memoryScene();
    const { vault } = scene;
    await vault.putIfAbsent(objectKey('note.txt'), Buffer.from('x'), {}, limit());
    const draw = drawing(seed * 7919 + 1);
    const watched = { ...watching(), place: vault.place, retention };
    const made = await randomVault(vault, draw, (at) =>
      check(
        [watched],
        { whole: true },
        { store: openStore(vault), clock: { now: () => at }, notifiers: [], meter: () => {} },
        limit(),
      ),
    );
    const good = made.filter((one) => !isBad(one)).map(({ id }) => id);
    const proven = made.filter((one) => !isBad(one) && isProven(one.proofs)).map(({ id }) => id);

    const { latest, judgement, backups, verdict, dry, left, messages, deps } = await said(vault);

    expect(backups.filter((one) => one.verdict.good).map(({ id }) => id)).toEqual(good);
    expect([latest?.manifest.id, judgement.standing.newest, verdict.newest?.id, left.newest?.id]).toEqual(
      Array(4).fill(good.at(-1)),
    );
    expect([judgement.standing.proven, verdict.proven?.id, left.proven?.id]).toEqual(Array(3).fill(proven.at(-1)));
    expect(judgement.standing.full).toBe(verdict.full?.id);
    if (good.length < made.length) expect(judgement.state).not.toBe('fresh');
    for (const {
      found: { id },
      action,
      reasons,
    } of dry.plan.backups) {
      const tiers = reasons.filter(({ rule }) => rule === 'daily' || rule === 'weekly');
      expect([id, good.includes(id) || tiers.length === 0]).toEqual([id, true]);
      if (id === good.at(-1) || id === proven.at(-1) || id === verdict.full?.id)
        expect([id, action]).toEqual([id, 'keep']);
    }
    for (const { facts, next, kind } of messages) {
      for (const { label, value } of facts)
        if (label === 'Newest good') expect([kind, value.slice(0, 23)]).toEqual([kind, good.at(-1) ?? 'none']);
      for (const command of next)
        for (const [id = ''] of command.matchAll(/(?<=restore shop )\d{8}T\d{6}Z-\w{6}/g))
          expect([kind, good.includes(id as BackupId)]).toEqual([kind, true]);
    }
    expect(latest?.warnings.filter((line) => line.startsWith('passed over')).length ?? 0).toBe(
      latest === undefined ? 0 : made.filter(({ id }) => id > latest.manifest.id).length,
    );

    if (dry.plan.refusal === undefined)
      await rotate(shop, policyOf(retention), { dryRun: false, anyShare: true }, deps, limit());
    const after = await said(vault);
    expect([after.judgement.standing.newest, after.judgement.standing.proven, after.judgement.standing.full]).toEqual([
      good.at(-1),
      proven.at(-1),
      verdict.full?.id,
    ]);
    expect(after.judgement.findings.filter(({ kind }) => kind === 'gone')).toEqual([]);
    await scene.remove();
  },
);

test('what failed earlier is told as such to whoever restores it by its id, in the time of the source too', async () => {
  const scene = memoryScene();
  const id = await storeBackup(scene.vault, shop, new Date('2026-11-20T02:00:00Z'));
  await scene.vault.putIfAbsent(
    proofKey(shop, id, { kind: 'restore', outcome: 'failed', at: new Date('2026-11-20T04:11:00Z') }),
    Buffer.from('{}'),
    {},
    limit(),
  );

  const { warnings } = await chooseBackup(
    shop,
    id,
    { ...memory, timeZone: 'Europe/Amsterdam' },
    { ...depsOf(scene.vault), clock: { now: () => now } },
    limit(),
  );

  expect(warnings).toEqual([`${id}: earlier, its restore of 2026-11-20 05:11 Europe/Amsterdam, 04:11 UTC failed`]);
  await scene.remove();
});
