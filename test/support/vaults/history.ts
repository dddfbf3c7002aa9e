import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { rotate } from '../../../core/commands/rotate.ts';
import type { RotateOptions, Rotation } from '../../../core/commands/rotate.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { backupId, objectKey } from '../../../core/domain/keys.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import type { Policy } from '../../../core/domain/retention/rotation.ts';
import { tierTags } from '../../../core/domain/retention/tiers.ts';
import type { Vault } from '../../../core/vault.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { openStore } from '../../../core/store/store.ts';
import { memoryScene } from './vault.ts';

export const signal = new AbortController().signal;
export const none = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepWithinMs: 0 };

/** A policy for tests: UTC, any share, a day of grace, unless said otherwise. */
export function policyOf(
  retention: Policy['retention'],
  { maxShare = 100, graceMs = 24 * 3_600_000, timeZone = 'UTC' } = {},
): Policy {
  return {
    retention,
    timeZone,
    rotation: { maxShare, graceMs },
    watch: { shrink: { rows: 50, bytes: 50, since: undefined } },
  };
}

/** Ids of one backup a day at two o'clock, the last one on this day. */
export function dailyIds(count: number, last = '2026-11-20'): BackupId[] {
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(Date.parse(`${last}T02:00:00Z`) - (count - 1 - index) * 86_400_000).toISOString();
    return backupId(`${day.slice(0, 10).replaceAll('-', '')}T020000Z-${index.toString(16).padStart(6, '0')}`);
  });
}

/**
 * Puts a backup into a vault as a run would leave it: two parts, then the manifest, all tagged as the newest one is.
 * `rows`: what its data part holds, `tables`: what its manifest says of them.
 */
export async function putBackup(
  vault: Vault,
  source: string,
  id: BackupId,
  {
    tiers = ['daily', 'weekly', 'monthly', 'yearly'] as Manifest['tiers'],
    rows,
    tables = [{ table: 'public.orders', columns: '(id)', rows: 1000, fingerprint: '0'.repeat(16) }],
    engine = 'postgres',
    position,
  }: { rows?: string; engine?: string } & Partial<Pick<Manifest, 'tiers' | 'tables' | 'position'>> = {},
): Promise<Manifest> {
  const name = source as SourceName;
  const tags = tierTags(tiers);
  const parts: Manifest['parts'] = [];
  for (const [role, file] of [
    ['data', 'data/0001.sql.zst'],
    ['catalog', 'catalog.json.zst'],
  ] as const) {
    const content = (role === 'data' ? rows : undefined) ?? `${role} of ${source} ${id}`;
    const body = zstdCompressSync(content);
    await vault.putIfAbsent(partKey(name, id, file), body, tags, signal);
    parts.push({
      role,
      file,
      bytes: content.length,
      storedBytes: body.length,
      sha256: createHash('sha256').update(body).digest('hex'),
    });
  }
  const at = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T${id.slice(9, 11)}:${id.slice(11, 13)}:${id.slice(13, 15)}Z`;
  const manifest: Manifest = {
    format: 1,
    id,
    source,
    engine,
    database: 'shop',
    server: { product: 'PostgreSQL', version: '18.1' },
    client: { program: 'pg_dump', version: '18.1' },
    nightjar: 'test',
    run: 'test',
    start: at,
    end: at,
    timeZone: 'UTC',
    tiers,
    compression: { method: 'zstd', level: 1 },
    encryption: null,
    parts,
    tables,
    sequences: {},
    objects: {},
    ...(position && { position }),
    warnings: [],
    restore: [],
  };
  await vault.putIfAbsent(manifestKey(name, id), Buffer.from(JSON.stringify(manifest)), tags, signal);
  return manifest;
}

/** A folder as the vault and a clock of ours. */
export async function rotationScene(now = '2026-11-20T12:00:00Z') {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-rotate-'));
  const vault = folderVault(folder);
  await vault.putIfAbsent(objectKey('made/first'), Buffer.from('x'), {}, signal);
  await vault.delete(objectKey('made/first'), signal);
  return { folder, vault, ...rotatingIn(vault, now), remove: () => rm(folder, { recursive: true }) };
}

/** The same in memory; `date` makes an object look as if it had been written then. */
export function memoryRotationScene(now = '2026-11-20T12:00:00Z') {
  const { vault, date } = memoryScene();
  return { vault, date, ...rotatingIn(vault, now) };
}

/** Rotations in a vault, as of a moment; who asks is nobody known. */
export function rotatingIn(vault: Vault, now: string) {
  const deps = (other: Vault = vault) => ({
    store: openStore(other),
    clock: { now: () => new Date(now) },
    identity: { run: 'rotation', holder: 'test', isGone: () => false },
    report: () => undefined,
  });
  return {
    deps,
    rotating: (
      source: string,
      policy: Policy,
      options: Partial<RotateOptions> = {},
      other: Vault = vault,
    ): Promise<Rotation> =>
      rotate(source as SourceName, policy, { dryRun: false, anyShare: false, ...options }, deps(other), signal),
    keys: async (prefix: string): Promise<string[]> =>
      (await Array.fromAsync(vault.list(prefix, signal))).map(({ key }) => String(key)).sort(),
    ids: async (source: string): Promise<string[]> =>
      (await Array.fromAsync(vault.list(`${source}/`, signal)))
        .flatMap(({ key }) => (key.endsWith('/manifest.json') ? [key.split('/')[1]!] : []))
        .sort(),
  };
}
