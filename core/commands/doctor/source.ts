import type { Settings } from '../../contract/config/settings/settings.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Engine, Examination, Observed } from '../../ports.ts';
import { memoryOf } from '../../survey/watched.ts';
import { checkKeys } from '../check/check-keys.ts';
import { engineExaminations } from './engine.ts';
import { ofBackup } from './examine.ts';
import type { Course } from './examine.ts';
import { restoreExamination } from './restore.ts';
import type { ExaminedDeps } from './restore.ts';
import { scheduleExaminations } from './schedule.ts';
import { signingExaminations } from './signing.ts';

type SourceDeps = ExaminedDeps & { settings(name: string): Settings };

/** All examinations of one source: its server or place, its schedule, and its keys. */
export function sourceCourses(name: SourceName, deps: SourceDeps): Course[] {
  const about = `source ${name}`;
  const settings = deps.settings(name);
  return [
    {
      about,
      first: 'login',
      async open(signal) {
        const { engine } = await deps.source(name, {}, signal);
        return [
          ...engineExaminations(engine, deps.clock),
          ...unchangedExaminations(name, settings, engine, deps),
          ...restoreExaminations(name, settings, engine, deps),
        ];
      },
    },
    { about, first: 'schedule', open: async () => scheduleExaminations(settings) },
    { about, first: 'signing', open: async () => signingExaminations(name, settings, deps.store) },
    { about, first: 'keys', open: async () => keyExaminations(name, settings, deps) },
  ];
}

/** For an encrypted source: this machine must keep the key to the last list, or every backup stores everything. */
function unchangedExaminations(
  name: SourceName,
  { encryption: { recipients } }: Settings,
  engine: Engine,
  { listKeys }: SourceDeps,
): Examination[] {
  if (listKeys === undefined || engine.shares !== true || recipients.length === 0) return [];
  const look = async (): Promise<Observed[]> => {
    const read = await listKeys.read(name);
    if ('place' in read) return [{ outcome: 'fine', said: `keys to the lists of its last backups: ${read.place}` }];
    return [{ outcome: 'warning', said: `everything is stored each time: ${read.why}`, remedy: keepsKeys }];
  };
  return [{ what: 'unchanged', look }];
}

const keepsKeys = 'let this user write there, or name a folder that stays: NIGHTJAR_CACHE=/path (docs/files.md)';

/** An unreachable server is reported only once. Encrypted backups are looked into if an identity is configured. */
function restoreExaminations(name: SourceName, settings: Settings, engine: Engine, deps: SourceDeps): Examination[] {
  if (isLocked(settings)) return [];
  const needs = (engine.examinations?.(deps.clock) ?? []).slice(0, 1).map(({ what }) => what);
  return [{ ...restoreExamination(name, settings, deps), needs }];
}

/** Whether backups are encrypted and no identity here can open them. */
function isLocked({ encryption: { recipients, identity } }: Settings): boolean {
  return recipients.length > 0 && identity === undefined;
}

function keyExaminations(name: SourceName, settings: Settings, deps: SourceDeps): Examination[] {
  const { encryption, signing } = settings;
  const isEncrypted = encryption.recipients.length > 0 || encryption.identity !== undefined;
  if (!isEncrypted && signing.publicKeys.length === 0) return [];
  if (isLocked(settings)) return [{ what: 'keys', look: async () => [noIdentityHere] }];
  const look = (signal: AbortSignal) =>
    ofBackup('there is no backup yet to try the keys on', async () => {
      const { id, content, signature, signs } = await checkKeys(name, memoryOf(settings), deps, signal);
      const opened = content === 'opened' ? ['the identity opens it'] : [];
      const signed = signature === 'genuine' ? ['its signature is genuine'] : [];
      const ours = signs ? ['new ones can be signed here'] : [];
      return [
        { outcome: 'fine', said: `${id}: ${[...opened, ...signed, ...ours].join(', ') || 'from before the keys'}` },
      ];
    });
  return [{ what: 'keys', look }];
}

const noIdentityHere: Observed = {
  outcome: 'not tried',
  said: 'no identity is configured here: whoever restores proves theirs with nightjar key check',
};
