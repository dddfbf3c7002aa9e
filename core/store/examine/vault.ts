import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { SourceName } from '../../domain/keys.ts';
import { probeKey, sourceSegment } from '../../domain/layout/places.ts';
import { observedClock } from '../../domain/time/clocks.ts';
import { formatBytes, plural } from '../../domain/units.ts';
import type { Bytes } from '../../domain/units.ts';
import type { Clock, Examination, Observed } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { sourcesListed } from '../backups/listing.ts';
import { openProbe } from './probe.ts';
import type { Probe } from './probe.ts';

/**
 * Tries what backups, copies, checks and rotation need of a vault, with one small object that has a name of its own. It
 * is removed at the end or, where we may not delete, stays, and the next run overwrites it. `of`: tries only what the
 * role of this source's backups may do.
 */
export function vaultExaminations(vault: Vault, clock: Clock, of?: SourceName): Examination[] {
  const probe = openProbe(vault, clock);
  const trying = (what: string, look: Examination['look']): Examination => ({
    what,
    ...(what !== 'written' && { needs: ['written'] }),
    look: (signal) => look(signal).catch(disturbed),
  });
  return [
    trying('written', (signal) => observedWrite(vault, probe, signal)),
    trying('listed', (signal) => observedListing(vault, of === undefined ? '' : `${sourceSegment(of)}/`, signal)),
    trying('written once', async (signal) => [...(await probe.requireOnce(signal)), ...observedWeakness(vault)]),
    trying('replaced', (signal) => probe.requireVersions(signal)),
    trying('clock', async (signal) => [observedClock('the vault', await probe.told(signal))]),
    ...(of === undefined ? broader() : []),
    trying('removed', (signal) => observedRemoval(vault, signal)),
  ];

  function broader(): Examination[] {
    return [
      trying('tagged', (signal) => observedTags(vault, signal)),
      trying('uploads', (signal) => observedUploads(vault, signal)),
      trying('space', (signal) => observedSpace(vault, signal)),
      trying('overwritten', (signal) => observedOverwriting(vault, signal)),
    ];
  }
}

/** Two examinations of one vault at the same moment use the same object. */
function disturbed(error: unknown): Observed[] {
  if (!isBackupError(error, 'object-exists', 'object-missing')) throw error;
  return [{ outcome: 'not tried', said: 'another nightjar doctor tries this vault at this moment: run it again' }];
}

async function observedWrite(vault: Vault, probe: Probe, signal: AbortSignal): Promise<Observed[]> {
  await probe.write(signal);
  return [{ outcome: 'fine', said: `an object was written and read back in ${vault.place}` }];
}

function observedWeakness({ weaker }: Vault): Observed[] {
  const remedy = 'a store that heeds conditional writes is safer; here, let one machine alone work on a source';
  return weaker === undefined ? [] : [{ outcome: 'warning', said: weaker, remedy }];
}

/** A vault that looks empty may be the disk below a mount point, or another prefix. */
async function observedListing(vault: Vault, prefix: string, signal: AbortSignal): Promise<Observed[]> {
  for await (const { key } of vault.list(prefix, signal))
    if (key !== probeKey) return [{ outcome: 'fine', said: 'what was stored before can be seen' }];
  return [
    {
      outcome: 'warning',
      said: 'nothing is there yet',
      remedy: 'right for a new vault; in any other, is the disk mounted, and are bucket and prefix right?',
    },
  ];
}

async function observedTags(vault: Vault, signal: AbortSignal): Promise<Observed[]> {
  const tags = { 'nightjar-doctor': 'tried' };
  // twice, because another run may have written it in between
  for (const _ of ['once', 'again']) {
    await vault.retag(probeKey, tags, signal);
    const found = await vault.tags(probeKey, signal);
    if (found === undefined) return [];
    if (found['nightjar-doctor'] === 'tried') return [{ outcome: 'fine', said: 'tags can be given and read' }];
  }
  throw new BackupError('vault-failed', `${vault.place}: the store took tags, and does not have them`, {
    hint: 'write tags: false in the vault (docs/configuration.md): retention by tag is not to be had there',
  });
}

async function observedUploads(vault: Vault, signal: AbortSignal): Promise<Observed[]> {
  try {
    const found = await Array.fromAsync(vault.unfinished('', signal));
    if (found.length === 0) return [];
    return [{ outcome: 'fine', said: `${plural(found.length, 'unfinished upload')}, which rotation removes in time` }];
  } catch (error) {
    if (!isBackupError(error, 'vault-denied')) throw error;
    return [
      {
        outcome: 'warning',
        said: 'these credentials may not list unfinished uploads: rotation can’t remove what dead runs have left',
        remedy:
          'allow s3:ListBucketMultipartUploads to whoever rotates, or let a lifecycle rule of the bucket end them',
      },
    ];
  }
}

/**
 * The next backups will take about as much as the newest ones do now, not counting what those share with older ones.
 */
async function observedSpace(vault: Vault, signal: AbortSignal): Promise<Observed[]> {
  if (vault.free === undefined) return [];
  const free = await vault.free(signal);
  let next: Bytes = 0;
  for await (const { backups } of sourcesListed(vault, signal))
    for (const { bytes, file } of backups.at(-1)?.objects ?? []) next += file === undefined ? bytes : 0;
  const said = `${formatBytes(free)} are free${next === 0 ? '' : `, and the newest backups take ${formatBytes(next)}`}`;
  const remedy = 'free some space or enlarge the disk, or keep fewer backups (retention)';
  if (free < next) throw new BackupError('vault-full', `${vault.place}: only ${said}`, { hint: remedy });
  if (free < 3 * next) return [{ outcome: 'warning', said: `only ${said}`, remedy }];
  return [{ outcome: 'fine', said }];
}

async function observedOverwriting(vault: Vault, signal: AbortSignal): Promise<Observed[]> {
  const found = await vault.overwrite?.(probeKey, Buffer.from('{}'), signal);
  if (found === undefined) return [];
  if (found === 'refused') return [{ outcome: 'fine', said: 'rightly refused: nothing stored can be written over' }];
  if (found === 'kept') return [{ outcome: 'fine', said: 'what is written over stays as an older version' }];
  return [
    {
      outcome: 'warning',
      said: 'whoever has these credentials can write over backups, and nothing of them is kept',
      remedy: 'keep versions in the bucket (aws s3api put-bucket-versioning …), with a lifecycle rule for old ones',
    },
  ];
}

async function observedRemoval(vault: Vault, signal: AbortSignal): Promise<Observed[]> {
  try {
    const { state } = await vault.delete(probeKey, signal);
    const said = state === 'hidden' ? 'allowed, and what is removed stays as an older version' : 'allowed';
    return [{ outcome: 'fine', said: `${said}: rotation and remove work with these credentials` }];
  } catch (error) {
    if (!isBackupError(error, 'vault-denied')) throw error;
    const said = `refused: right for what only backs up; rotation needs other credentials (${probeKey} stays)`;
    return [{ outcome: 'fine', said }];
  }
}
