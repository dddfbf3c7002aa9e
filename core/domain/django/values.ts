import { isNumber } from './fixture.ts';
import type { Exact } from './fixture.ts';

/** The values of a fixture, as both dialects read them. Each function throws an `Error` that says what is wrong. */

const plainNumber = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/;
const span = /^(-?\d+ )?(-?)(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?$/;
const isoSpan = /^(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?$/;
const clock = /^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$/;
const day = /^\d{4}-\d{2}-\d{2}$/;
/** For other years JavaScript writes a sign and six digits. */
const plainYear = /^(?!0000)\d{4}-/;
const momentForm = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d{1,6})?(Z|[-+]\d{2}:?\d{2}(?::?\d{2})?)?$/;

export function wrongValue(value: Exact, what: string): Error {
  const shown = JSON.stringify(value) ?? 'nothing';
  return new Error(`${shown.length > 40 ? `${shown.slice(0, 40)}…` : shown} is not ${what}`);
}

/** Text that a server can hold; a number or boolean in its written form. */
export function textOf(value: Exact): string {
  const text = isNumber(value) ? value.rawJSON : typeof value === 'boolean' ? `${value}` : value;
  if (typeof text !== 'string') throw wrongValue(value, 'a text');
  if (!text.isWellFormed()) throw new Error('it holds half a character (a lone surrogate), which no server keeps');
  return text;
}

/** A number in its written form, digit by digit. Decimals are texts in a fixture. */
export function numberOf(value: Exact): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  const text = isNumber(value) ? value.rawJSON : value;
  if (typeof text === 'string' && plainNumber.test(text)) return text;
  throw wrongValue(value, 'a number');
}

export function truthOf(value: Exact): boolean {
  const text = isNumber(value) ? value.rawJSON : value;
  if (text === true || text === '1') return true;
  if (text === false || text === '0') return false;
  throw wrongValue(value, 'true or false');
}

export function jsonOf(value: Exact): string {
  const text = JSON.stringify(value);
  if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/i.test(text)) throw new Error('its JSON holds half a character (a lone surrogate)');
  return text;
}

export function dayOf(value: Exact): string {
  if (typeof value === 'string' && day.test(value)) return value;
  throw wrongValue(value, 'a date');
}

export function timeOf(value: Exact): string {
  if (typeof value === 'string' && clock.test(value)) return value;
  throw wrongValue(value, 'a time of day');
}

/** `local`: date and time as written; `utc`: the same in UTC, if an offset was given. */
export function momentOf(value: Exact): { local: string; offset: string | undefined; utc: string } {
  const [, date, time, fraction = '', offset] = (typeof value === 'string' && momentForm.exec(value)) || [];
  if (date === undefined || time === undefined) throw wrongValue(value, 'a date and time');
  const local = `${date} ${time}${fraction}`;
  if (offset === undefined) return { local, offset, utc: local };
  const seconds = new Date(`${date}T${time}Z`).getTime() / 1000 - offsetSeconds(offset);
  if (!Number.isFinite(seconds)) throw wrongValue(value, 'a date and time');
  const utc = new Date(seconds * 1000).toISOString();
  if (!plainYear.test(utc)) throw wrongValue(value, 'a date and time of the years 1 to 9999');
  return { local, offset, utc: `${utc.slice(0, 10)} ${utc.slice(11, 19)}${fraction}` };
}

/** A duration in microseconds, as Django writes it (`1 02:03:04.5`) or in ISO 8601. */
export function microsecondsOf(value: Exact): bigint {
  const text = typeof value === 'string' ? value : '';
  const django = span.exec(text);
  if (django !== null) {
    const [, days = '0', sign, hours, minutes, seconds, fraction = ''] = django;
    const part = ofClock(hours!, minutes!, seconds!, fraction);
    return BigInt(days.trim()) * 86_400_000_000n + (sign === '-' ? -part : part);
  }
  const iso = isoSpan.exec(text);
  if (iso === null || text.endsWith('P') || text.endsWith('T')) throw wrongValue(value, 'a duration');
  const [, sign, days = '0', hours = '0', minutes = '0', seconds = '0', fraction = ''] = iso;
  const whole = BigInt(days) * 86_400_000_000n + ofClock(hours, minutes, seconds, fraction);
  return sign === '-' ? -whole : whole;
}

/** A base64 text in hexadecimal digits. */
export function hexOf(value: Exact): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) throw wrongValue(value, 'base64');
  return Buffer.from(value, 'base64').toString('hex');
}

function ofClock(hours: string, minutes: string, seconds: string, fraction: string): bigint {
  const whole = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
  return whole * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

function offsetSeconds(offset: string): number {
  if (offset === 'Z') return 0;
  const [hours = 0, minutes = 0, seconds = 0] = (offset.slice(1).match(/\d{2}/g) ?? []).map(Number);
  return (offset.startsWith('-') ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds);
}
