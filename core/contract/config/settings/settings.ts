import * as z from 'zod';
import { sourceCloudSchema } from '../../cloud/cloud.ts';
import type { SourceCloud } from '../../cloud/cloud.ts';
import { copiesOf, copiesSchema } from '../vaults/copies.ts';
import type { CopySettings } from '../vaults/copies.ts';
import { duration, expected, group, timeZone, wholeNumber } from '../fields.ts';
import { drillOf, drillSchema } from './drill.ts';
import type { DrillSettings } from './drill.ts';
import { encryptionOf, encryptionSchema } from './encryption.ts';
import type { EncryptionSettings } from './encryption.ts';
import { signingOf, signingSchema } from './signing.ts';
import type { SigningSettings } from './signing.ts';
import { retentionOver, retentionSchema, usualRetention } from '../rotation/retention.ts';
import type { Retention } from '../rotation/retention.ts';
import { rotationOf, rotationSchema } from '../rotation/rotation.ts';
import type { RotationSettings } from '../rotation/rotation.ts';
import { drillServerSchema } from '../sources/server.ts';
import { ranks } from '../../../domain/rank.ts';
import type { Rank } from '../../../domain/rank.ts';
import { watchOf, watchShape } from './watch.ts';
import type { WatchSettings } from './watch.ts';

export type { Retention };

const fields = {
  timeZone: timeZone.default('UTC').describe('IANA time zone in which a day, a week, a month begins.'),
  compression: wholeNumber(1, 19).default(1).describe('zstd level.'),
  parallel: wholeNumber(1, 16).default(2).describe('Streams at the same time; each is a connection to the server.'),
  lockTimeout: duration('1s', '1h')
    .prefault('30s')
    .describe(
      'Longest wait of a backup for a lock. What wants a table for itself (`ALTER`, `TRUNCATE`) waits for the ' +
        'backup, and everybody behind it: give migrations a limit of their own. PostgreSQL: after ten times this ' +
        'wait the backup gives way, and fails.',
    ),
  idleTimeout: duration('10s', '24h')
    .prefault('5m')
    .describe('Longest silence of a database program before it is given up.'),
};
const adoptAbout =
  'Server and user with which `nightjar push` loads a dump that somebody else has made: a user that may do nothing ' +
  'but make databases of its own (docs/adopting.md). Without it, those of drills are tried.';
const rank = z
  .enum(ranks, { error: expected(ranks.join(', ')) })
  .optional()
  .describe(
    'How precious its server is. A restore onto it of a backup of a lower rank, and every one into production, has to ' +
      'name the rank: `--into production`. A new database beside the source’s own needs no word. Folders and SQLite files ' +
      'of one machine are on one server.',
  );

const keepReplaced = duration('1h', '3650d')
  .optional()
  .describe(
    'How long a database that `restore --replace` has replaced is kept (not a folder): then the first ' +
      'successful `nightjar restore` or `nightjar drill` of the source drops it, and nothing before. Without it, the ' +
      'next replacement of another day that is proven does. `--drop-old` drops it at any time.',
  );

/** The settings of all sources. */
export const defaultsSchema = group('defaults', {
  ...fields,
  keepReplaced,
  ...watchShape,
  retention: retentionSchema.prefault({}).describe('What rotation keeps.'),
  rotation: rotationSchema.prefault({}).describe('How carefully rotation removes.'),
  copies: copiesSchema.optional().describe('Further vaults that every backup is copied into: names of `vaults`.'),
  encryption: encryptionSchema.optional().describe('To whom backups are encrypted; without it, they are not.'),
  signing: signingSchema.optional().describe('By whom backups are signed; without it, they are not.'),
  drill: drillSchema.optional().describe('How `nightjar drill` tries backups.'),
  adopt: drillServerSchema.optional().describe(adoptAbout),
  cloud: sourceCloudSchema.prefault({}).describe('Where and how the functions of each source run.'),
});

/** The settings of one source; missing ones are taken from the defaults. */
export const settingsShape = {
  rank,
  keepReplaced,
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
  retention: retentionSchema.optional().describe('What rotation keeps; key by key, the rest is as in the defaults.'),
  rotation: rotationSchema
    .optional()
    .describe('How carefully rotation removes; key by key, the rest is as in the defaults.'),
  copies: copiesSchema
    .optional()
    .describe('Further vaults that its backups are copied into, instead of those of the defaults; `[]`: none.'),
  encryption: encryptionSchema
    .optional()
    .describe('To whom backups are encrypted; key by key, the rest is as in the defaults.'),
  signing: signingSchema.optional().describe('By whom backups are signed; key by key, the rest is as in the defaults.'),
  drill: drillSchema
    .optional()
    .describe('How `nightjar drill` tries backups; key by key, the rest is as in the defaults.'),
  adopt: drillServerSchema.optional().describe(adoptAbout),
  cloud: sourceCloudSchema
    .optional()
    .describe('Where and how the functions of the source run; key by key, the rest is as in the defaults.'),
};

export type Settings = {
  rank?: Rank | undefined;
  keepReplacedMs?: number | undefined;
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
  copies: readonly CopySettings[];
  drill: DrillSettings;
  adopt: z.infer<typeof drillServerSchema> | undefined;
  cloud: SourceCloud;
};

type WrittenSettings = Partial<Record<keyof typeof fields, unknown>> &
  Parameters<typeof watchOf>[1] & {
    rank?: Rank | undefined;
    keepReplaced?: number | undefined;
    retention?: z.infer<typeof retentionSchema> | undefined;
    rotation?: z.infer<typeof rotationSchema> | undefined;
    copies?: z.infer<typeof copiesSchema> | undefined;
    encryption?: z.infer<typeof encryptionSchema> | undefined;
    signing?: z.infer<typeof signingSchema> | undefined;
    drill?: z.infer<typeof drillSchema> | undefined;
    adopt?: z.infer<typeof drillServerSchema> | undefined;
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
  const retention = retentionOver(retentionOver(usualRetention, defaults.retention), own.retention);
  const keepReplacedMs = own.keepReplaced ?? defaults.keepReplaced;
  return {
    ...(own.rank !== undefined && { rank: own.rank }),
    ...(keepReplacedMs !== undefined && { keepReplacedMs }),
    timeZone: zone,
    compressionLevel: compression,
    parallel,
    lockTimeoutMs: lockTimeout,
    idleTimeoutMs: idleTimeout,
    retention,
    copies: copiesOf(defaults.copies, own.copies, retention),
    rotation: rotationOf(defaults.rotation, own.rotation ?? {}),
    watch: watchOf(defaults, own),
    encryption: encryptionOf(defaults.encryption, own.encryption),
    signing: signingOf(defaults.signing, own.signing),
    drill: drillOf(defaults.drill, own.drill),
    adopt: own.adopt ?? defaults.adopt,
    cloud: { ...defaults.cloud, ...own.cloud },
  };
}
