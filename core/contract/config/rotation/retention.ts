import * as z from 'zod';
import { always, countOf, duration, group, wholeNumber } from '../fields.ts';

/** The default retention: grandfather, father, son. */
const tierDefaults = { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5 };
const tierNames = Object.keys(tierDefaults) as (keyof typeof tierDefaults)[];
const keeps = (what: string, byDefault: number) =>
  wholeNumber(0).optional().describe(what).meta({ default: byDefault });

/** What rotation keeps, as written. */
export const retentionSchema = group('retention', {
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

type Tiers = Record<keyof typeof tierDefaults, number>;
type WrittenRetention = z.infer<typeof retentionSchema>;

/** What rotation keeps: a plain count, or tiers and an age. */
export type Retention = { count: number } | (Tiers & { keepWithinMs: number });

/** What is kept if nothing is configured. */
export const usualRetention: Retention = { ...tierDefaults, keepWithinMs: 0 };

/** The written keys over the base, key by key; a count replaces all other keys, and any of those replaces a count. */
export function retentionOver(base: Retention, { count, keepWithin, ...written }: WrittenRetention = {}): Retention {
  if (count !== undefined) return { count };
  const tiers = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
  if (keepWithin === undefined && Object.keys(tiers).length === 0) return base;
  const from = 'count' in base ? { ...tierDefaults, keepWithinMs: 0 } : base;
  return { ...from, ...tiers, ...(keepWithin !== undefined && { keepWithinMs: keepWithin }) };
}

/** Whether a retention would keep no backup at all. */
export function keepsNothing(kept: Retention): boolean {
  return !('count' in kept) && kept.keepWithinMs === 0 && tierNames.every((tier) => kept[tier] === 0);
}
