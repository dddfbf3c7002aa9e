import { expect, test } from '@jest/globals';
import type { Kind } from '../../../core/domain/django/dialect.ts';
import { fixtureRows } from '../../../core/domain/django/fixture.ts';
import type { Exact } from '../../../core/domain/django/fixture.ts';
import { dialect as mariadb } from '../../../core/engines/mariadb/fixture/dialect.ts';
import { dialect as postgres } from '../../../core/engines/postgres/fixture/dialect.ts';

/** A value as it comes out of a fixture. */
async function exact(json: string): Promise<Exact> {
  const bytes = [Buffer.from(`[{"model": "a.b", "fields": {"v": ${json}}}]`)];
  for await (const { fields } of fixtureRows(stream(bytes))) return fields['v']!;
  throw new Error('no row');
}

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

test.each<[Kind, string, string, string]>([
  ['boolean', 'true', 'true', '1'],
  ['boolean', '0', 'false', '0'],
  ['number', '9223372036854775807', '9223372036854775807', '9223372036854775807'],
  ['number', '-1', "'-1'", '-1'],
  [
    'number',
    '"-12345678901234567890.0123456789"',
    "'-12345678901234567890.0123456789'",
    '-12345678901234567890.0123456789',
  ],
  ['number', 'true', '1', '1'],
  ['number', 'false', '0', '0'],
  ['boolean', 'false', 'false', '0'],
  ['boolean', '1', 'true', '1'],
  ['boolean', '"0"', 'false', '0'],
  ['text', 'true', "'true'", "'true'"],
  ['text', '"O\'Reilly"', "'O''Reilly'", "'O''Reilly'"],
  ['text', '"a\\\\b\\r\\n\\u001a"', "E'a\\\\b\r\n\x1a'", "'a\\\\b\\r\\n\\Z'"],
  ['text', '12', "'12'", "'12'"],
  ['json', '{"a": [1.10, null, "\'"]}', `'{"a":[1.10,null,"''"]}'`, `'{"a":[1.10,null,"''"]}'`],
  ['json', '"text"', `'"text"'`, `'"text"'`],
  ['date', '"2024-02-29"', "'2024-02-29'", "'2024-02-29'"],
  ['time', '"23:59:59.999"', "'23:59:59.999'", "'23:59:59.999'"],
  ['moment', '"2026-01-01T00:30:00.123Z"', "'2026-01-01 00:30:00.123Z'", "'2026-01-01 00:30:00.123'"],
  [
    'moment',
    '"2026-01-01T00:30:00.123456+02:00"',
    "'2026-01-01 00:30:00.123456+02:00'",
    "'2025-12-31 22:30:00.123456'",
  ],
  ['moment', '"2026-01-01T00:30:00-09:30"', "'2026-01-01 00:30:00-09:30'", "'2026-01-01 10:00:00'"],
  ['moment', '"0001-01-01T00:00:00Z"', "'0001-01-01 00:00:00Z'", "'0001-01-01 00:00:00'"],
  ['moment', '"1890-01-01T00:00:00+00:19:32"', "'1890-01-01 00:00:00+00:19:32'", "'1889-12-31 23:40:28'"],
  ['moment', '"2026-01-01 00:30:00+0200"', "'2026-01-01 00:30:00+0200'", "'2025-12-31 22:30:00'"],
  ['moment', '"2026-01-01T00:30:00"', "'2026-01-01 00:30:00'", "'2026-01-01 00:30:00'"],
  ['duration', '"1 02:03:04.5"', "'1 days 7384500000 microseconds'", '93784500000'],
  ['duration', '"-1 23:59:59.999999"', "'-1 days 86399999999 microseconds'", '-1'],
  ['duration', '"-00:00:01"', "'-1 days 86399000000 microseconds'", '-1000000'],
  ['duration', '"P1DT2H3M4.5S"', "'1 days 7384500000 microseconds'", '93784500000'],
  ['duration', '"-P1DT0.000001S"', "'-2 days 86399999999 microseconds'", '-86400000001'],
  ['duration', '"PT1M"', "'0 days 60000000 microseconds'", '60000000'],
  ['duration', '"P1D"', "'1 days 0 microseconds'", '86400000000'],
  ['duration', '"PT2H"', "'0 days 7200000000 microseconds'", '7200000000'],
  ['binary', '"AAECJw=="', "E'\\\\x00010227'", "x'00010227'"],
  ['binary', '""', "E'\\\\x'", "x''"],
  [
    'uuid',
    '"12345678-1234-5678-1234-567812345678"',
    "'12345678-1234-5678-1234-567812345678'",
    "'12345678123456781234567812345678'",
  ],
  ['uuid', '"no uuid-at-all"', "'no uuid-at-all'", "'no uuid-at-all'"],
])('%s %s', async (kind, json, forPostgres, forMariadb) => {
  const value = await exact(json);
  expect({ postgres: postgres.value(value, kind), mariadb: mariadb.value(value, kind) }).toEqual({
    postgres: forPostgres,
    mariadb: forMariadb,
  });
});

test.each<[Kind, string, string]>([
  ['boolean', '"yes"', 'is not true or false'],
  ['number', '"1; DROP TABLE a"', 'is not a number'],
  ['number', '"0x10"', 'is not a number'],
  ['number', '{}', 'is not a number'],
  ['text', '"half \\ud83d"', 'lone surrogate'],
  ['text', '{"a": 1}', 'is not a text'],
  ['json', '{"\\udc00": 1}', 'lone surrogate'],
  ['boolean', '2', '2 is not true or false'],
  ['number', '["1"]', '["1"] is not a number'],
  ['text', `["${'a'.repeat(36)}"]`, `["${'a'.repeat(36)}"] is not a text`],
  ['text', `["${'a'.repeat(37)}"]`, `["${'a'.repeat(37)}"… is not a text`],
  ['date', '"2024-2-9"', 'is not a date'],
  ['date', '["2024-02-09"]', 'is not a date'],
  ['date', '20240209', 'is not a date'],
  ['time', '"25h"', 'is not a time of day'],
  ['time', '["12:00"]', 'is not a time of day'],
  ['moment', '"2026-01-01"', 'is not a date and time'],
  ['moment', '["2026-01-01T00:00:00Z"]', 'is not a date and time'],
  ['moment', 'null', 'null is not a date and time'],
  ['moment', '"2026-13-45T00:00:00Z"', 'is not a date and time'],
  ['duration', '"P"', 'is not a duration'],
  ['duration', '"-P"', 'is not a duration'],
  ['duration', '"PT"', 'is not a duration'],
  ['duration', '"P1DT"', 'is not a duration'],
  ['duration', '["P1D"]', 'is not a duration'],
  ['duration', '1', 'is not a duration'],
  ['binary', '["AA=="]', 'is not base64'],
  ['duration', '"1 day"', 'is not a duration'],
  ['binary', '"*"', 'is not base64'],
  ['other', '"[1,2)"', 'has a type that convert does not write'],
])('%s refuses %s', async (kind, json, message) => {
  const value = await exact(json);
  for (const dialect of [postgres, mariadb]) expect(() => dialect.value(value, kind)).toThrow(message);
});

test.each(['"9999-12-31T23:30:00-01:00"', '"0001-01-01T00:00:00+00:01"'])(
  'MariaDB, which keeps UTC, has no year for %s',
  async (json) => {
    const value = await exact(json);
    expect(() => mariadb.value(value, 'moment')).toThrow('is not a date and time of the years 1 to 9999');
  },
);

test('PostgreSQL has arrays, and no U+0000', async () => {
  expect(postgres.value(await exact('"[\\"a\\\\\\"b\\", null, \\"\\\\\\\\\\"]"'), 'array')).toBe(
    `E'{"a\\\\"b",NULL,"\\\\\\\\"}'`,
  );
  expect(postgres.value(await exact('[[1, 2], [3, 4]]'), 'array')).toBe(`'{{"1","2"},{"3","4"}}'`);
  for (const [kind, json] of [
    ['text', '"a\\u0000b"'],
    ['json', '{"a": "\\u0000"}'],
  ] as const)
    expect(() => postgres.value('', kind) && postgres.value(JSON.parse(json) as Exact, kind)).toThrow('U+0000');
  expect(mariadb.value(await exact('"a\\u0000b"'), 'text')).toBe("'a\\0b'");
});
