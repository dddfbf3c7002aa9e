import * as z from 'zod';
import { sourceCloudSchema } from '../cloud/cloud.ts';
import type { SourceCloud } from '../cloud/cloud.ts';
import { always, countOf, duration, group, timeZone, wholeNumber } from './fields.ts';
import { drillOf, drillSchema } from './drill.ts';
import type { DrillSettings } from './drill.ts';
import { encryptionOf, encryptionSchema } from './encryption.ts';
import type { EncryptionSettings } from './encryption.ts';
import { signingOf, signingSchema } from './signing.ts';
import type { SigningSettings } from './signing.ts';
import { rotationOf, rotationSchema } from './rotation/rotation.ts';
import type { RotationSettings } from './rotation/rotation.ts';
import { watchOf, watchShape } from './watch.ts';
import type { WatchSettings } from './watch.ts';

/** What is kept when nothing else is said: grandfather, father, son. */
const tierDefaults = { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5 };
const tierNames = Object.keys(tierDefaults) as (keyof typeof tierDefaults)[];
const keeps = (what: string, byDefault: number) =>
  wholeNumber(0).optional().describe(what).meta({ default: byDefault });

const retention = group('retention', {
  last: keeps('How many of the newest backups to keep, whenever they were made.', tierDefaults.last),
  hourly: keeps('For how many hours that have one to keep a backup.', tierDefaults.hourly),
  daily: keeps('For how many days that have one to keep a backup.', tierDefaults.daily),
  weekly: keeps('For how many weeks (ISO 8601) that have one to keep a backup.', tierDefaults.weekly),
  monthly: keeps('For how many months that have one to keep a backup.', tierDefaults.monthly),
  yearly: keeps('For how many years that have one to keep a backup.', tierDefaults.yearly),
  keepWithin: duration('1h', '36500d')
    .optional()
    .describe('Keep every backup that is less than this older than the newest one, as `30d`.'),
  count: wholeNumber(1)
    .optional()
    .describe('Keep this many of the newest backups and nothing else; instead of all the others.'),
}).superRefine((value, context) => {
  if (value.count !== undefined && countOf(value, [...tierNames, 'keepWithin']) > 0)
    context.addIssue('count stands alone: it takes the place of all the others');
}, always);

const fields = {
  timeZone: timeZone.default('UTC').describe('IANA time zone in which a day, a week, a month begins.'),
  compression: wholeNumber(1, 19).default(1).describe('zstd level.'),
  parallel: wholeNumber(1, 16).default(2).describe('Streams at the same time; each is a connection to the server.'),
  lockTimeout: duration('1s', '1h')
    .prefault('30s')
    .describe(
      'Longest wait of a backup for a lock. What wants a table for itself (`ALTER`, `TRUNCATE`) waits for the backup, and everybody behind it: give migrations a limit of their own. PostgreSQL: after ten times this wait the backup gives way, and fails.',
    ),
  idleTimeout: duration('10s', '24h')
    .prefault('5m')
    .describe('Longest silence of a database program before it is given up.'),
};

/** The settings of a source, as the whole file's defaults. */
export const defaultsSchema = group('defaults', {
  ...fields,
  ...watchShape,
  retention: retention.prefault({}).describe('What rotation keeps.'),
  rotation: rotationSchema.prefault({}).describe('How carefully rotation removes.'),
  encryption: encryptionSchema.optional().describe('To whom backups are encrypted; without it, they are not.'),
  signing: signingSchema.optional().describe('By whom backups are signed; without it, they are not.'),
  drill: drillSchema.optional().describe('How `nightjar drill` tries backups.'),
  cloud: sourceCloudSchema.prefault({}).describe('Where and how the functions of each source run.'),
});

/** The settings of one source: what is absent is as in the defaults. */
export const settingsShape = {
  timeZone: fields.timeZone
    .unwrap()
    .optional()
    .describe(fields.timeZone.description ?? ''),
  compression: fields.compression
    .unwrap()
    .optional()
    .describe(fields.compression.description ?? ''),
  parallel: fields.parallel
    .unwrap()
    .optional()
    .describe(fields.parallel.description ?? ''),
  lockTimeout: fields.lockTimeout
    .unwrap()
    .optional()
    .describe(fields.lockTimeout.description ?? ''),
  idleTimeout: fields.idleTimeout
    .unwrap()
    .optional()
    .describe(fields.idleTimeout.description ?? ''),
  ...watchShape,
  retention: retention.optional().describe('What rotation keeps; key by key, the rest is as in the defaults.'),
  rotation: rotationSchema
    .optional()
    .describe('How carefully rotation removes; key by key, the rest is as in the defaults.'),
  encryption: encryptionSchema
    .optional()
    .describe('To whom backups are encrypted; key by key, the rest is as in the defaults.'),
  signing: signingSchema.optional().describe('By whom backups are signed; key by key, the rest is as in the defaults.'),
  drill: drillSchema
    .optional()
    .describe('How `nightjar drill` tries backups; key by key, the rest is as in the defaults.'),
  cloud: sourceCloudSchema
    .optional()
    .describe('Where and how the functions of the source run; key by key, the rest is as in the defaults.'),
};

type Tiers = Record<keyof typeof tierDefaults, number>;

/** What rotation keeps: a plain count, or tiers and an age. */
export type Retention = { count: number } | (Tiers & { keepWithinMs: number });

export type Settings = {
  timeZone: string;
  compressionLevel: number;
  parallel: number;
  lockTimeoutMs: number;
  idleTimeoutMs: number;
  retention: Retention;
  rotation: RotationSettings;
  watch: WatchSettings;
  encryption: EncryptionSettings;
  signing: SigningSettings;
  drill: DrillSettings;
  cloud: SourceCloud;
};

type WrittenSettings = Partial<Record<keyof typeof fields, unknown>> &
  Parameters<typeof watchOf>[1] & {
    retention?: z.infer<typeof retention> | undefined;
    rotation?: z.infer<typeof rotationSchema> | undefined;
    encryption?: z.infer<typeof encryptionSchema> | undefined;
    signing?: z.infer<typeof signingSchema> | undefined;
    drill?: z.infer<typeof drillSchema> | undefined;
    cloud?: SourceCloud | undefined;
  };

/** A source's settings over the defaults. */
export function settingsOf(defaults: z.infer<typeof defaultsSchema>, own: WrittenSettings): Settings {
  const written = Object.fromEntries(
    Object.keys(fields).flatMap((key) =>
      own[key as keyof WrittenSettings] === undefined ? [] : [[key, own[key as keyof WrittenSettings]]],
    ),
  );
  const {
    timeZone: zone,
    compression,
    parallel,
    lockTimeout,
    idleTimeout,
  } = { ...defaults, ...written } as z.infer<typeof defaultsSchema>;
  return {
    timeZone: zone,
    compressionLevel: compression,
    parallel,
    lockTimeoutMs: lockTimeout,
    idleTimeoutMs: idleTimeout,
    retention: retentionOf(defaults.retention, own.retention ?? {}),
    rotation: rotationOf(defaults.rotation, own.rotation ?? {}),
    watch: watchOf(defaults, own),
    encryption: encryptionOf(defaults.encryption, own.encryption),
    signing: signingOf(defaults.signing, own.signing),
    drill: drillOf(defaults.drill, own.drill),
    cloud: { ...defaults.cloud, ...own.cloud },
  };
}

/** A retention that would keep no backup at all. */
export function keepsNothing(kept: Retention): boolean {
  return !('count' in kept) && kept.keepWithinMs === 0 && tierNames.every((tier) => kept[tier] === 0);
}

function retentionOf(defaults: z.infer<typeof retention>, own: z.infer<typeof retention>): Retention {
  if (own.count !== undefined) return { count: own.count };
  const ownKeys = Object.entries(own).filter(([, value]) => value !== undefined);
  if (defaults.count !== undefined && ownKeys.length === 0) return { count: defaults.count };
  const { keepWithin = 0, count: _, ...tiers } = { ...tierDefaults, ...defaults, ...Object.fromEntries(ownKeys) };
  return { ...(tiers as Tiers), keepWithinMs: keepWithin };
}
