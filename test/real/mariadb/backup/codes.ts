import type { Connection } from 'mysql2/promise';

const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from + 1) / step) }, (_, index) => from + index * step);
const every = range(0, 255);
const sequences = (...places: number[][]): number[][] =>
  places.reduce<number[][]>((begun, place) => begun.flatMap((bytes) => place.map((byte) => [...bytes, byte])), [[]]);

/** Sequences of bytes by their length, for a server to say which of them are characters. */
const candidates: { length: number; of: RegExp; codes: number[][] }[] = [
  { length: 1, of: /./, codes: sequences(every) },
  { length: 2, of: /^(?!utf|ucs)/, codes: sequences(range(0x80, 0xff), every) },
  { length: 2, of: /^(ucs2|utf16|utf16le)$/, codes: sequences(every, every) },
  { length: 2, of: /^utf8/, codes: sequences(range(0xc0, 0xdf), range(0x80, 0xbf)) },
  { length: 3, of: /^(ujis|eucjpms)$/, codes: sequences([0x8f], range(0xa0, 0xff), range(0xa0, 0xff)) },
  { length: 3, of: /^utf8/, codes: sequences(range(0xe0, 0xef), range(0x80, 0xbf), range(0x80, 0xbf)) },
  {
    length: 4,
    of: /^utf8mb4$/,
    codes: sequences(range(0xf0, 0xf4), range(0x80, 0xbf, 7), range(0x80, 0xbf, 9), range(0x80, 0xbf, 11)),
  },
  {
    length: 4,
    of: /^gb18030$/,
    codes: sequences(range(0x81, 0xfe), range(0x30, 0x39), range(0x81, 0xfe, 25), range(0x30, 0x39, 3)),
  },
  {
    length: 4,
    of: /^utf16$/,
    codes: sequences(range(0xd8, 0xdb), range(0, 255, 5), range(0xdc, 0xdf), range(0, 255, 11)),
  },
  {
    length: 4,
    of: /^utf16le$/,
    codes: sequences(range(0, 255, 5), range(0xd8, 0xdb), range(0, 255, 11), range(0xdc, 0xdf)),
  },
  { length: 4, of: /^utf32$/, codes: sequences([0], [0], every, every) },
  { length: 4, of: /^utf32$/, codes: sequences([0], range(1, 16), range(0, 255, 15), range(0, 255, 17)) },
];

/**
 * Makes in the connection's database a table for each character set of the server, `in_sjis`, that holds every
 * character the server takes for one, some hundreds a row, an apostrophe between two of them. Returns how many there
 * are, by character set.
 */
export async function everyCode(connection: Connection): Promise<Record<string, number>> {
  await connection.query(`SET SESSION sql_mode = '', group_concat_max_len = 10000000;
    CREATE TEMPORARY TABLE codes (kind INT, id INT, code VARBINARY(4), PRIMARY KEY (kind, id)) ENGINE = InnoDB`);
  for (const [kind, { codes }] of candidates.entries()) {
    for (let at = 0; at < codes.length; at += 20_000) {
      const rows = codes
        .slice(at, at + 20_000)
        .map((code, index) => `(${kind},${at + index},0x${Buffer.from(code).toString('hex')})`);
      await connection.query(`INSERT INTO codes VALUES ${rows.join(',')}`);
    }
  }
  const [sets] = await connection.query<never[]>(
    'SELECT CHARACTER_SET_NAME AS name, MAXLEN AS longest FROM information_schema.CHARACTER_SETS WHERE ' +
      "CHARACTER_SET_NAME <> 'binary'",
  );
  const found: Record<string, number> = {};
  for (const { name, longest } of sets as { name: string; longest: number }[]) {
    const kinds = candidates.flatMap(({ length, of }, kind) => (length <= longest && of.test(name) ? [kind] : []));
    await connection.query(`CREATE TEMPORARY TABLE tried (kind INT, id INT, code VARBINARY(4), c VARCHAR(4) CHARACTER SET ${name}) ENGINE = InnoDB;
      INSERT IGNORE INTO tried SELECT kind, id, code, code FROM codes WHERE kind IN (${kinds.join(',')});
      CREATE TABLE in_${name} (kind INT, id INT, characters INT, text MEDIUMTEXT CHARACTER SET ${name}, PRIMARY KEY (kind, id)) ENGINE = InnoDB;
      INSERT INTO in_${name} SELECT kind, id >> 8, COUNT(*), GROUP_CONCAT(c ORDER BY id SEPARATOR '''') FROM tried WHERE HEX(c) = HEX(code) GROUP BY kind, id >> 8;
      DROP TEMPORARY TABLE tried`);
    const [[sum]] = (await connection.query<never[]>(`SELECT SUM(characters) AS sum FROM in_${name}`)) as unknown as [
      [{ sum: string }],
    ];
    found[name] = Number(sum.sum);
  }
  return found;
}
