import * as z from 'zod';
import { suggestion } from '../../domain/nearest.ts';

/**
 * The message for a value that is not `what` is expected. Shows the value, so it is not for fields that may hold a
 * secret by mistake.
 */
export function expected(what: string): (issue: { input?: unknown }) => string {
  return ({ input }) => (input === undefined ? `is missing: ${what}` : `expected ${what}, got ${shown(input)}`);
}

/** The same, without showing the value. */
export function expectedUnseen(what: string): (issue: { input?: unknown }) => string {
  return ({ input }) => (input === undefined ? `is missing: ${what}` : `expected ${what}`);
}

/** Said of unknown keys that may be a secret by mistake: once for all of them, without naming one. */
export const hiddenKeys = 'what stands here is not shown, for it may be a secret';

/** Beside one of these keys, a key without a value may be a piece of a secret: `{ password: hunter,2 }` in YAML. */
const secretKeys = ['password', 'token', 'secretAccessKey'];
const bareKey = `${hiddenKeys}: a key without a value; text that holds a comma or braces stands in quotes`;

/**
 * A group of keys. Refuses others, one line for each, suggesting the one that was probably meant; or unnamed if they
 * may be a secret (`hidesKeys`). `otherwise`: said of text or a list in its place; `elsewhere`: said of keys of another
 * group.
 */
export function group<T extends z.core.$ZodLooseShape>(
  what: string,
  shape: T,
  {
    otherwise,
    hidesKeys = false,
    elsewhere,
  }: { otherwise?: string; hidesKeys?: boolean; elsewhere?: { keys: readonly string[]; where: string } } = {},
) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? hidesKeys
          ? `${hiddenKeys}; ${otherwise}`
          : (issue['keys'] as string[])
              .map((key) =>
                elsewhere?.keys.includes(key) === true
                  ? `stands in ${elsewhere.where}, not here`
                  : unknownKey(key, issue.input, known),
              )
              .join('\n')
        : otherwise === undefined
          ? expectedUnseen(`${what}, a group of keys (${known.join(', ')})`)(issue)
          : issue.input === undefined
            ? `is missing: ${what}`
            : otherwise,
  });
}

function unknownKey(key: string, input: unknown, known: readonly string[]): string {
  const meant = suggestion(key, known);
  const begun = known.find((one) => key.startsWith(`${one}:`));
  if (begun !== undefined) return `${hiddenKeys}: a blank is missing after "${begun}:"`;
  const isBare = (input as Record<string, unknown> | null)?.[key] === null;
  const mayBeSecret = isBare && meant === '' && known.some((one) => secretKeys.includes(one));
  return mayBeSecret ? bareKey : `unknown key${meant}`;
}

/** Lets a check over several keys run although one of the keys is invalid itself. */
export const always = { when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null };

/** How many of `keys` are present. */
export function countOf(value: object, keys: readonly string[]): number {
  return keys.filter((key) => (value as Record<string, unknown>)[key] !== undefined).length;
}

/** A non-empty line of text. An invalid value is not shown, because it may be a secret. */
export function text(what: string) {
  const isBare = (input: unknown): boolean => ['number', 'bigint', 'boolean'].includes(typeof input);
  const error = (issue: { input?: unknown }): string =>
    `${expectedUnseen(what)(issue)}${isBare(issue.input) ? ': put it in quotes' : ''}`;
  return z.string({ error }).regex(/^[^\p{Cc}]*\S[^\p{Cc}]*$/u, { error: expectedUnseen(what) });
}

export function wholeNumber(from: number, to?: number) {
  const error = expected(`a whole number ${to === undefined ? `≥ ${from}` : `from ${from} to ${to}`}`);
  return z
    .int({ error })
    .min(from, { error })
    .max(to ?? Number.MAX_SAFE_INTEGER, { error });
}

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A duration with its unit (`30s`, `5m`, `12h`, `30d`), as milliseconds. */
export function duration(from: string, to: string) {
  const error = expected(`a duration from ${from} to ${to}, as 90s, 5m, 12h or 30d`);
  return z
    .string({ error })
    .regex(/^\d+(ms|s|m|h|d|w)$/, { error })
    .refine((value) => msOf(value) >= msOf(from) && msOf(value) <= msOf(to), { error })
    .transform(msOf);
}

function msOf(value: string): number {
  return Number.parseInt(value, 10) * (unitMs[value.replace(/^\d+/, '')] ?? Number.NaN);
}

export const asDay = 'a day, as 2026-12-01';

/** A text of a form. An invalid value is not shown, because it may be a secret in the wrong line. */
export const pattern = (what: string, form: RegExp) =>
  z.string({ error: expectedUnseen(what) }).regex(form, { error: expectedUnseen(what) });

/** A day of the calendar, as text. */
export function day(what: string) {
  return z
    .string({ error: expected(what) })
    .refine((value) => z.iso.date().safeParse(value).success, { error: expected(what) });
}

/** An IANA time zone. */
export const timeZone = z.string({ error: expected('a time zone, as Europe/Amsterdam') }).refine(isTimeZone, {
  error: ({ input }) =>
    'there is no time zone ' +
    `${shown(input)}${suggestion(String(input), Intl.supportedValuesOf('timeZone')) || '; expected one as Europe/Amsterdam'}`,
});

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '' && !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a group of keys';
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 60 ? `${json.slice(0, 57)}…"` : json;
}
