import * as z from 'zod';
import { isPartName, partRoles } from './part-name.ts';

const count = z.int().nonnegative();
const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** The tiers that a backup may count for, longest kept last. */
export const tiers = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Tier = (typeof tiers)[number];

/**
 * One object of a backup. `file` is its key below the backup's own prefix (`part-name.ts`); `sha256` and `storedBytes`
 * are of the object as stored, `bytes` of its content before compression and encryption. `tables`: whose rows it holds,
 * by the names in the manifest's list; absent in backups of older versions.
 */
export const partSchema = z
  .strictObject({
    role: z.enum(partRoles),
    file: z.string(),
    bytes: count,
    /** For a part that was made for an older backup: how much of its content this one needs. */
    live: count.optional(),
    storedBytes: count,
    sha256: hex(64),
    rows: count.optional(),
    tables: z.array(z.string()).optional(),
  })
  .refine(({ role, file }) => isPartName(file, role), { path: ['file'], message: 'not the name of such a part' });

/**
 * Rows of one table, as the dump printed them. `fingerprint`: sum modulo 2^64 of XXH64 of each row's text
 * (docs/backup-format.md).
 */
export const tableSchema = z.strictObject({
  table: z.string(),
  columns: z.string(),
  rows: count,
  fingerprint: hex(16),
});

/**
 * What somebody else's dump was, and who adopted it when. Its moment is the backup's `start` and `end`, which that
 * person stated.
 */
export const adoptedSchema = z.strictObject({
  file: z.string(),
  sha256: hex(64),
  bytes: count,
  by: z.string(),
  at: z.iso.datetime(),
});

/**
 * The backup's moment in the server's own log, by one measure. `relation`: whether the position is at, before or after
 * the moment (docs/backup-format.md says what that means for each measure).
 */
export const positionSchema = z.strictObject({
  name: z.string().min(1),
  value: z.string().min(1).max(16_000),
  relation: z.enum(['at', 'at-or-before', 'at-or-after']),
});

/** The document that makes a backup exist: written last, never changed. Times are ISO 8601, UTC. */
export const manifestSchema = z.strictObject({
  format: z.literal(1),
  id: z.string(),
  source: z.string(),
  engine: z.string(),
  database: z.string(),
  /** `identity`: distinguishes one server from others of the same kind, as far as the server tells. */
  server: z.strictObject({ product: z.string(), version: z.string(), identity: z.string().optional() }),
  client: z.strictObject({ program: z.string(), version: z.string() }),
  nightjar: z.string(),
  run: z.string(),
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  timeZone: z.string(),
  tiers: z.array(z.enum(tiers)),
  compression: z.strictObject({ method: z.literal('zstd'), level: z.int() }),
  /**
   * Recipients are public keys; they don't say who owns them. `ownLists`: the list and the catalog can also be opened
   * by a key of this backup's own, which the machine that made it keeps.
   */
  encryption: z.union([
    z.null(),
    z.strictObject({
      method: z.literal('age'),
      recipients: z.array(z.string()).min(1),
      ownLists: z.literal(true).optional(),
    }),
  ]),
  parts: z
    .array(partSchema)
    .min(1)
    .refine((parts) => new Set(parts.map(({ file }) => file)).size === parts.length, 'two parts have one name'),
  /** The form in which the engine printed the rows, if it has had several: a proof reads them in the same form. */
  rowForm: z.string().optional(),
  tables: z.array(tableSchema),
  largeObjects: z.strictObject({ count, fingerprint: hex(16) }).optional(),
  /** Sequences as the dump sets them: the arguments of `setval` after the name. */
  sequences: z.record(z.string(), z.string()),
  objects: z.record(z.string(), count),
  /** For a backup that was not made by a run of its source: it is of the past, and counts for nothing but itself. */
  adopted: adoptedSchema.optional(),
  /** Absent if the server has none or the role may not read it, and in backups of older versions. */
  position: z.array(positionSchema).min(1).optional(),
  warnings: z.array(z.string()),
  /** Where the parts differ from the source, a sentence each; absent if they don't. */
  exceptions: z.array(z.string()).min(1).optional(),
  restore: z.array(z.string()),
});

export type Adopted = z.infer<typeof adoptedSchema>;
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestPart = z.infer<typeof partSchema>;
export type Position = z.infer<typeof positionSchema>;
export type TableRows = z.infer<typeof tableSchema>;
