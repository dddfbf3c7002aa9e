import * as z from 'zod';
import { tiers } from '../manifest/manifest.ts';
import type { Tier } from '../manifest/manifest.ts';

const count = z.int().nonnegative();

/** How a backup holds less than the baseline. `table`: one that has lost its rows; `more`: how many others have. */
export const shrinkingSchema = z.strictObject({
  what: z.enum(['rows', 'bytes', 'table']),
  now: count,
  before: count,
  table: z.string().optional(),
  more: count.optional(),
});

/** What differs from the baseline: the engine, the database's name, or the server. */
export const otherSchema = z.strictObject({
  what: z.enum(['engine', 'database', 'server']),
  now: z.string(),
  before: z.string(),
});

/**
 * What a manifest says, as far as its backup is judged by it. `parts`: a digest of the names and sizes of its parts;
 * `adopted`: it was not made by a run of its source.
 */
export const factsSchema = z.strictObject({
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  rows: count,
  bytes: count,
  parts: z.string(),
  engine: z.string(),
  database: z.string(),
  server: z.string().optional(),
  adopted: z.literal(true).optional(),
});

/**
 * One backup. `manifest`: what a listing showed of its manifest when that was read; it is read again when that changes.
 * `facts`: absent if it could not be understood: `unreadable` says why; `unsigned`: it had to be signed, and was not.
 * `listed`: the digest of its parts as listed, if it differs from that of the manifest; `damage`: if that is damage.
 * `odd`: it appeared after newer ones were known, or its manifest was replaced. `accepted`: its damage or oddity needs
 * no more reporting.
 */
export const entrySchema = z.strictObject({
  id: z.string(),
  manifest: z.strictObject({ bytes: count, modified: z.iso.datetime() }),
  facts: factsSchema.optional(),
  unreadable: z.string().optional(),
  unsigned: z.literal(true).optional(),
  listed: z
    .strictObject({
      parts: z.string(),
      damage: z.strictObject({ kind: z.enum(['gone', 'cut']), why: z.string() }).optional(),
    })
    .optional(),
  odd: z.enum(['late', 'replaced']).optional(),
  accepted: z.literal(true).optional(),
  shrunk: shrinkingSchema.optional(),
  other: otherSchema.optional(),
});

/**
 * A table, or a family of them (digits as `#`): its name, its level, its rows in the last full backup, how many full
 * backups in a row it has held its rows, how often it has recovered by itself, and its rows in the full backup before
 * the last.
 */
export const familySchema = z.tuple([z.string(), count, count, count, count, count.optional()]);

/**
 * What shrinking is measured against. Full backups let it grow; otherwise only `nightjar accept` changes it. `from`:
 * the first backup that counts; `recent`: rows and bytes of the last full ones; `servers`: every accepted identity.
 */
export const baselineSchema = z.strictObject({
  from: z.string(),
  rows: count,
  bytes: count,
  recent: z.array(z.tuple([count, count])).max(3),
  tables: z.array(familySchema),
  engine: z.string(),
  database: z.string(),
  servers: z.array(z.string()),
});

/** A scheduled moment that is over. `code`: why it failed; `busy`: the previous run was still at work. */
const pastSchema = z.strictObject({
  at: z.iso.datetime(),
  outcome: z.enum(['made', 'late', 'failed', 'killed', 'missed']),
  code: z.string().optional(),
  busy: z.literal(true).optional(),
});

/** The retention at the last look, and the time zone of its calendar. */
const policySchema = z.strictObject({
  retention: z.union([
    z.strictObject({ count }),
    z.strictObject({
      ...(Object.fromEntries(tiers.map((tier) => [tier, count])) as Record<Tier, typeof count>),
      keepWithinMs: count,
    }),
  ]),
  timeZone: z.string(),
});

/** `<source>/ledger.json`: what the vault remembers of a source. Only checks and `nightjar accept` write it. */
export const ledgerSchema = z.strictObject({
  version: z.literal(1),
  /** How often it was written. */
  revision: count.optional(),
  /** Oldest first. */
  backups: z.array(entrySchema),
  /** The signing rules by which its manifests were trusted, if they had to be signed. */
  signing: z.string().optional(),
  baseline: baselineSchema.optional(),
  /** Backups that are gone though no policy removed them; `count` of all of them, `ids` of the last hundred. */
  gone: z.strictObject({ count, of: count, ids: z.array(z.string()) }).optional(),
  policy: policySchema.optional(),
  /** When its lease was last written, if it was found free then. */
  lease: z.iso.datetime().optional(),
  /**
   * Its schedule and time zone, since when a check has known them, the newest moment without a backup that was found,
   * and the outcomes of the last moments, because rotation removes their traces.
   */
  expected: z
    .strictObject({
      plan: z.string(),
      since: z.iso.datetime(),
      found: z.iso.datetime().optional(),
      past: z.array(pastSchema).optional(),
    })
    .optional(),
  /** That what was remembered before is lost, and why. */
  lost: z.string().optional(),
  /** Who last accepted what was found, and when. */
  accepted: z.strictObject({ at: z.iso.datetime(), by: z.string() }).optional(),
});

/**
 * `ledger.json` at the top of a vault: the sources that have a ledger and (except for very old ones) its revision, so
 * that a lost ledger, or an older one put back, is noticed.
 */
export const ledgerIndexSchema = z.strictObject({
  version: z.literal(1),
  sources: z.array(z.union([z.string(), z.tuple([z.string(), count])])),
});

export type Shrinking = z.infer<typeof shrinkingSchema>;
export type Other = z.infer<typeof otherSchema>;
export type Facts = z.infer<typeof factsSchema>;
export type Entry = z.infer<typeof entrySchema>;
export type Family = z.infer<typeof familySchema>;
export type Baseline = z.infer<typeof baselineSchema>;
export type Ledger = z.infer<typeof ledgerSchema>;
