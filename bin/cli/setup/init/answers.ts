import { BackupError } from '../../../../core/domain/errors.ts';
import { isSchedule } from '../../../../core/domain/time/schedule.ts';
import type { SourceQuestions } from '../../../../core/engines/descriptor.ts';
import { descriptorOf, engineNames } from '../../../../core/engines/index.ts';
import type { EngineName } from '../../../../core/engines/index.ts';
import type { Asker } from './asking.ts';

/** What a person may give instead of being asked. `proof: false` only writes the file. */
export type InitFlags = {
  keepIn?: string;
  schedule?: string;
  timeZone?: string;
  passwordFile?: string;
  /** Every database of the server, and what belongs to none. */
  allDatabases?: boolean;
  proof: boolean;
};

/** What has to be known of a source. `at`: what stands below its engine's key, except the password. */
export type Answers = {
  name: string;
  engine: EngineName;
  asking: SourceQuestions;
  at: Record<string, string | number>;
  schedule: string;
  timeZone: string;
  vault: string;
};

const cron = 'five fields of cron (minute, hour, day, month, weekday)';
/** Answers about databases, and about what may be left out. */
const [every, none] = ['all', 'none'];
const usual = { schedule: '30 2 * * *', vault: './backups' };

/** All answers from the command line; what a place leaves out gets its default. Throws `input-invalid`. */
export function answersGiven(name: string, place: string, flags: InitFlags): Answers {
  const [, scheme = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(place) ?? [];
  const { engine, asking } = engineOf(scheme);
  const given: Record<string, string | number> = {
    ...asking.read(rest),
    ...(flags.allDatabases === true && { database: every }),
  };
  if (flags.allDatabases === true && asking.whole !== true)
    throw new BackupError('input-invalid', '--all-databases is for servers: postgres:, mariadb:, mysql:');
  const at: Record<string, string | number> = Object.fromEntries(
    asking.keys.map(({ key, usual: otherwise }) => [key, given[key] ?? otherwise ?? '']),
  );
  const lacking = asking.keys.filter(({ key }) => at[key] === '').map(({ asked }) => asked.replace(/ \(.*/, ''));
  // what was typed may include a password, so it is not repeated
  if (lacking.length > 0)
    throw new BackupError('input-invalid', `the place (${scheme}:…) does not say the ${lacking.join(', the ')}`, {
      hint: 'postgres://user@host:port/database, mariadb://user@host:port/database, sqlite:file, files:folder or image:reference',
    });
  return { name, engine, asking, at: written(at, asking), ...settled(flags) };
}

/**
 * All answers by asking, except those that flags give. `taken`: existing names; `hasVault`: whether a vault is named.
 */
export async function answersAsked(
  given: string | undefined,
  flags: InitFlags,
  { taken, hasVault }: { taken: readonly string[]; hasVault: boolean },
  asker: Asker,
): Promise<Answers> {
  const isFree = (name: string) => (taken.includes(name) ? 'there is a source of that name' : undefined);
  const name = given ?? (await asker.ask('name of the source', taken.length === 0 ? 'shop' : undefined, isFree));
  const kinds = offered().map(({ engine }) => engine);
  const isKind = (kind: string) => (hasEngine(kind) ? undefined : `expected ${kinds.join(', ')}`);
  const { engine, asking } = engineOf(await asker.ask(`what it is (${kinds.join(', ')})`, kinds[0], isKind));
  const at: Record<string, string> = {};
  for (const { key, asked, usual: otherwise } of asking.keys) at[key] = await asker.ask(asked, otherwise);
  const isCron = (text: string) => (isSchedule(text) ? undefined : `expected ${cron}`);
  const schedule = flags.schedule ?? (await asker.ask(`when backups begin, as ${cron}`, usual.schedule, isCron));
  const vault =
    flags.keepIn ??
    (hasVault ? usual.vault : await asker.ask('where they are kept (a folder, s3://bucket/prefix)', usual.vault));
  return { name, engine, asking, at: written(at, asking), ...settled({ ...flags, schedule, keepIn: vault }) };
}

function settled({ schedule = usual.schedule, keepIn: vault = usual.vault, timeZone }: InitFlags) {
  return { schedule, vault, timeZone: timeZone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone };
}

function offered(): { engine: EngineName; asking: SourceQuestions }[] {
  return engineNames.flatMap((engine) => {
    const { asking } = descriptorOf(engine);
    return asking === undefined ? [] : [{ engine, asking }];
  });
}

function hasEngine(scheme: string): boolean {
  return offered().some(({ asking }) => asking.schemes.includes(scheme));
}

function engineOf(scheme: string): { engine: EngineName; asking: SourceQuestions } {
  const found = offered().find(({ asking }) => asking.schemes.includes(scheme));
  if (found !== undefined) return found;
  const all = offered().flatMap(({ asking }) => asking.schemes);
  throw new BackupError(
    'input-invalid',
    `${scheme === '' ? 'a place without a scheme' : scheme} is nothing that is backed up`,
    {
      hint: `it begins with one of ${all.map((one) => `${one}:`).join(', ')}`,
    },
  );
}

/**
 * As it stands in the file: ports are numbers, empty answers are left out, and all databases have a key of their own.
 */
function written(at: Record<string, string | number>, { keys, whole }: SourceQuestions): Answers['at'] {
  const left = keys.filter(({ key, optional }) => optional === true && at[key] === none).map(({ key }) => key);
  const entries = Object.entries(at).filter(([key]) => !left.includes(key));
  return Object.fromEntries(
    entries.map(([key, value]) => {
      if (key === 'database' && whole === true && value === every) return ['databases', every];
      return [key, key === 'port' ? Number(value) : value];
    }),
  );
}
