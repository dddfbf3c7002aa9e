import * as z from 'zod';
import { tiers } from '../manifest/manifest.ts';
import type { Tier } from '../manifest/manifest.ts';

const count = z.int().nonnegative();

/** How a backup holds less than the baseline. `table`: one that has lost its rows, and how many more have. */
export const shrinkingSchema = z.strictObject({
  what: z.enum(['rows', 'bytes', 'table']),
  now: count,
  before: count,
  table: z.string().optional(),
  more: count.optional(),
});

/** What is another than in the baseline: the engine, the database's name, or the server. */
export const otherSchema = z.strictObject({
  what: z.enum(['engine', 'database', 'server']),
  now: z.string(),
  before: z.string(),
});

/**
 * What a manifest says, as far as its backup is judged by it. `parts`: a digest of the names and sizes of its parts;
 * `adopted`: no run of ours has made it of its source.
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
 * `facts` are absent where it could not be understood: `unreadable` says why; `unsigned`: it had to be signed, and was
 * not. `listed`: parts that a listing shows
 * otherwise than the manifest names them, by their digest; `damage` where that is one. `odd`: it appeared behind newer
 * ones that were known, or its manifest was replaced. `accepted`: that it is damaged or odd needs no more telling.
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
 * A table, or a family of them (digits as `#`): its name, its level, the rows in the last full backup, full backups in
 * a row in which it held its rows, how often it has come back by itself, and the rows in the full backup before the
 * last.
 */
export const familySchema = z.tuple([z.string(), count, count, count, count, count.optional()]);

/**
 * What shrinking is measured against: it grows by full backups, and is otherwise moved by `nightjar accept` alone.
 * `from`: the first backup that counts; `recent`: rows and bytes of the last full ones; `servers`: every identity that
 * was accepted.
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

/** A moment of a schedule that is over. `code`: why it failed; `busy`: the run before was still at work. */
const pastSchema = z.strictObject({
  at: z.iso.datetime(),
  outcome: z.enum(['made', 'late', 'failed', 'killed', 'missed']),
  code: z.string().optional(),
  busy: z.literal(true).optional(),
});

/** What rotation was to keep at the last look, and by whose calendar. */
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

/** `<source>/ledger.json`: what the vault remembers of a source. Written by checks and by `nightjar accept` alone. */
export const ledgerSchema = z.strictObject({
  version: z.literal(1),
  /** How often it was written. */
  revision: count.optional(),
  /** Oldest first. */
  backups: z.array(entrySchema),
  /** By which rules of signing its manifests were trusted, where they were to be signed. */
  signing: z.string().optional(),
  baseline: baselineSchema.optional(),
  /** Backups that are gone though no policy removed them; `count` of all of them, `ids` of the last hundred. */
  gone: z.strictObject({ count, of: count, ids: z.array(z.string()) }).optional(),
  policy: policySchema.optional(),
  /** When its lease had last been written that was found to be free. */
  lease: z.iso.datetime().optional(),
  /**
   * Its schedule and time zone, since when a check has known them, the newest moment without a backup that was found,
   * and what became of the last ones: rotation removes what tells it.
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
  /** Who accepted last what was found, and when. */
  accepted: z.strictObject({ at: z.iso.datetime(), by: z.string() }).optional(),
});

/**
 * `ledger.json` at the top of a vault: the sources that have a ledger and, but for very old ones, its revision, so that
 * it is seen when one is lost or an older one was put back.
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
