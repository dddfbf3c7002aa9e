import { BackupError } from '../../../../core/domain/errors.ts';
import type { ObjectKey } from '../../../../core/domain/keys.ts';
import type { Vault } from '../../../../core/vault.ts';
import { alone, signWithinMs } from '../../../../core/vaults/s3/claims/alone.ts';
import type { Claimed, Claims } from '../../../../core/vaults/s3/claims/alone.ts';
import type { MemoryState, Turn } from '../memory-vault.ts';

const claimsIn = new WeakMap<MemoryState, Map<string, Date>>();

/** A vault in memory whose store heeds no conditions: small objects are written as its claims allow. */
export function withoutConditions(
  vault: Vault,
  { state, now }: { state: MemoryState; now: () => Date },
  turn: Turn,
  draw: () => number,
): Vault {
  const { objects } = state;
  const claimed = claimsIn.get(state) ?? new Map<string, Date>();
  claimsIn.set(state, claimed);
  const signal = new AbortController().signal;
  const claimsOf = (key: ObjectKey): Claims => ({
    async put(name) {
      await turn('putIfAbsent', `.claims/${key}`, signal);
      claimed.set(`${key}/${name}`, now());
      return now();
    },
    async list() {
      await turn('list', `.claims/${key}`, signal);
      const own = [...claimed].filter(([at]) => at.startsWith(`${key}/`));
      return own.map(([at, modified]) => ({ name: at.slice(key.length + 1), modified }));
    },
    async remove(name) {
      await turn('delete', `.claims/${key}`, signal);
      claimed.delete(`${key}/${name}`);
    },
  });
  const write = (key: ObjectKey, body: Uint8Array, version: string | undefined, tags = {}) =>
    alone(
      claimsOf(key),
      async ({ signed }: Claimed) => {
        await turn('read', key, signal);
        const there = objects.get(key);
        if (there?.version !== version) throw new BackupError('object-exists', `${key}: somebody else has written`);
        if (now().getTime() - signed.getTime() > signWithinMs) throw new BackupError('vault-failed', `${key}: late`);
        await turn('putIfUnchanged', key, signal);
        const next = `${(Number.parseInt(objects.get(key)?.version ?? '0', 10) || 0) + 1} ${draw()}`;
        objects.set(key, { body: Buffer.from(body), tags: there?.tags ?? tags, version: next, modified: now() });
        return { version: next };
      },
      () => false,
      {
        what: `write ${key}`,
        name: () => String(draw()),
        random: draw,
        pause: () => turn('list', `pause of ${key}`, signal),
      },
      signal,
    );
  return {
    ...vault,
    putIfAbsent: (key, body, tags) => write(key, body, undefined, tags),
    putIfUnchanged: (key, body, version) => write(key, body, version),
  };
}
