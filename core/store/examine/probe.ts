import { randomUUID } from 'node:crypto';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { probeKey } from '../../domain/layout/places.ts';
import type { ToldMoment } from '../../domain/time/clocks.ts';
import type { Clock, Observed } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { parseJson } from '../json.ts';

/** The object with which a vault is tried. */
export type Probe = ReturnType<typeof openProbe>;

const overwrites = {
  hint:
    'two runs could work on one source at once, and backups be written over: use a store that heeds conditional ' +
    'writes, or write conditionalWrites: false in the vault (docs/stores.md)',
};

/** What can be tried with one object, one after the other. Each write has a different text. */
export function openProbe(vault: Vault, clock: Clock) {
  const own = randomUUID();
  let version = '';
  let written = 0;
  const next = (): Uint8Array => {
    written += 1;
    return Buffer.from(JSON.stringify({ doctor: own, at: clock.now(), written }));
  };
  const taken = (how: string): BackupError =>
    new BackupError('vault-failed', `${vault.place}: the vault ${how} although it was told not to`, overwrites);

  return {
    /** Writes it, also over what an earlier run left, and reads it back. */
    async write(signal: AbortSignal): Promise<void> {
      const body = next();
      try {
        ({ version } = await vault.putIfAbsent(probeKey, body, {}, signal));
      } catch (error) {
        if (!isBackupError(error, 'object-exists')) throw error;
        const left = await vault.read(probeKey, signal);
        ({ version } = await vault.putIfUnchanged(probeKey, body, left.version, signal));
      }
      const read = await vault.read(probeKey, signal);
      if (Buffer.compare(read.body, body) === 0) return;
      if (isOfAnother(read.body, own))
        throw new BackupError('object-exists', `${probeKey}: another run has written it`);
      throw new BackupError('vault-failed', `${vault.place}: ${probeKey} is not what was just written`, {
        hint: 'something on the way to the vault changes data, or answers from a cache',
      });
    },
    /** Throws unless a second write of a write-once object is refused, for small objects and for parts. */
    async requireOnce(signal: AbortSignal): Promise<Observed[]> {
      const again = next();
      if (await isTaken(() => vault.putIfAbsent(probeKey, again, {}, signal))) throw taken('writes over an object');
      if (await isTaken(() => vault.put(probeKey, once(again), {}, signal))) throw taken('writes over a part');
      return [{ outcome: 'fine', said: 'a second write of the same name is refused' }];
    },
    /** Throws unless an object is replaced only while it is unchanged since it was read. */
    async requireVersions(signal: AbortSignal): Promise<Observed[]> {
      const old = version;
      ({ version } = await vault.putIfUnchanged(probeKey, next(), old, signal));
      if (await isTaken(() => vault.putIfUnchanged(probeKey, next(), old, signal)))
        throw taken('replaces what somebody else has written');
      return [{ outcome: 'fine', said: 'nobody replaces what another has written meanwhile' }];
    },
    /** The time that the vault gives for a write made now. */
    async told(signal: AbortSignal): Promise<ToldMoment> {
      const before = clock.now();
      ({ version } = await vault.putIfUnchanged(probeKey, next(), version, signal));
      const after = clock.now();
      const listed = await Array.fromAsync(vault.list(probeKey, signal));
      const found = listed.find(({ key }) => key === probeKey);
      if (found !== undefined) return { theirs: found.modified, before, after };
      await vault.read(probeKey, signal); // another run may have removed it
      throw new BackupError('vault-failed', `${vault.place}: what was just written is in no listing`, {
        hint: 'a store whose listings are late hides the newest backup: use one whose are not',
      });
    },
  };
}

/**
 * Whether a write succeeds that has to be refused. Tries twice, because another run may have removed the object before.
 */
async function isTaken(write: () => Promise<unknown>): Promise<boolean> {
  for (const _ of ['once', 'again'])
    try {
      await write();
    } catch (error) {
      if (isBackupError(error, 'object-exists')) return false;
      throw error;
    }
  return true;
}

function isOfAnother(body: Uint8Array, own: string): boolean {
  const { doctor = own } = (parseJson(body) ?? {}) as { doctor?: string };
  return doctor !== own;
}

async function* once(body: Uint8Array): AsyncIterable<Uint8Array> {
  yield body;
}
