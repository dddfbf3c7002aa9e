/**
 * A column at its edge: its definition, the value that is put in, and how the server is asked what it holds, to the
 * last bit.
 */
export type Edge = { column: string; type: string; value: string; judge: string };

const hex = (column: string) => `HEX(${column})`;
/** All digits of a DOUBLE or FLOAT, and the sign of a zero. */
const digits = (column: string) => `CONCAT(${column} + 0e0, IF(ATAN2(${column}, -1) < 0, ' negative', ''))`;
const number = (column: string) => `CONCAT(${column} + 0)`;
const letters = (column: string) => `CONCAT(${column} + 0, ' ', HEX(${column}))`;
const text = (column: string) => `CAST(${column} AS CHAR)`;

const edges = (judge: (column: string) => string, rows: [string, string, string][]): Edge[] =>
  rows.map(([column, type, value]) => ({ column, type, value, judge: judge(`\`${column}\``) }));

const temporal = edges(hex, [
  ['no_day', 'DATE', "'0000-00-00'"],
  ['no_month', 'DATE', "'2026-00-31'"],
  ['no_such_day', 'DATE', "'2026-02-31'"],
  ['no_such_moment', 'DATETIME(3)', "'2026-02-31 23:59:59.999'"],
  ['last_moment', 'DATETIME(6)', "'9999-12-31 23:59:59.999999'"],
  ['first_stamp', 'TIMESTAMP NULL', "'1970-01-01 00:00:01'"],
  ['last_stamp', 'TIMESTAMP(6) NULL', "'2038-01-19 03:14:07.999999'"],
  ['no_stamp', 'TIMESTAMP NULL', "'0000-00-00'"],
  ['summer', 'TIMESTAMP NULL', "'2026-03-29 01:30:00'"],
  ['winter', 'TIMESTAMP NULL', "'2026-10-25 01:30:00'"],
  ['least_time', 'TIME(6)', "'-838:59:59'"],
  ['most_time', 'TIME(3)', "'838:59:59'"],
  ['year', 'YEAR', '2155'],
  ['no_year', 'YEAR', '0'],
]);

const numeric = [
  ...edges(digits, [
    ['largest', 'DOUBLE', '1.7976931348623157e308'],
    ['smallest', 'DOUBLE', '5e-324'],
    ['third', 'DOUBLE', '0.1e0 + 0.2e0'],
    ['rounded', 'DOUBLE(20, 3)', '-0.0001e0'],
    ['minus_zero', 'DOUBLE', '-0e0'],
    ['six_digits', 'FLOAT', '0.1'],
    ['tiny', 'FLOAT', '1.17549e-38'],
    ['with_places', 'FLOAT(10, 3)', '1234567.75'],
    ['minus_nothing', 'FLOAT', '-0e0'],
    ['minus_places', 'FLOAT(20, 10)', '-0e0'],
  ]),
  ...edges(number, [
    ['most', 'BIGINT UNSIGNED', '18446744073709551615'],
    ['least', 'BIGINT', '-9223372036854775808'],
    ['padded', 'INT(8) ZEROFILL', '42'],
    ['exact', 'DECIMAL(65, 30)', '-12345678901234567890123456789012345.123456789012345678901234567890'],
    ['hidden', 'INT INVISIBLE', '7'],
  ]),
];

const bytes = [
  ...edges(hex, [
    ['bits', 'BIT(17)', "b'10101001100001111'"],
    ['all_bits', 'BIT(64)', '~0'],
    ['fixed', 'BINARY(5)', '0x4100'],
    ['some', 'VARBINARY(5)', '0x410000'],
    ['trap', 'BLOB', '0x5c27220a0d1a00c327e2805c'],
    ['place', 'GEOMETRY', "ST_GeomFromText('POINT(10 20)', 4326)"],
    ['line', 'LINESTRING', "ST_GeomFromText('LINESTRING(1 2, 39.5 92)')"],
  ]),
  ...edges(letters, [
    ['one', "ENUM('a', 'ソ') CHARACTER SET sjis", '_sjis 0x835c'],
    ['none', "ENUM('a', 'b')", "''"],
    ['some_of', "SET('a', 'ソ') CHARACTER SET sjis", '_sjis 0x612c835c'],
  ]),
];

const words = edges(hex, [
  ['path', 'VARCHAR(20) CHARACTER SET sjis', '0x433A5C74656D70'],
  ['character', 'CHAR(9) CHARACTER SET cp932', '0x87405c'],
  ['in_gbk', 'CHAR(5) CHARACTER SET gbk', '0x815c20'],
  ['korean', 'TEXT CHARACTER SET euckr', '0xa1ad'],
  ['undefined', 'VARCHAR(9) CHARACTER SET cp1250', '0x8183'],
  ['half', 'VARCHAR(5) CHARACTER SET ucs2', '0x0041d83d0027'],
  ['nothing', 'VARCHAR(3) CHARACTER SET utf16', 'NULL'],
]);

const own: Record<string, Edge[]> = {
  MariaDB: edges(hex, [
    ['id', 'UUID', "'123e4567-e89b-12d3-a456-426655440000'"],
    ['address', 'INET6', "'2001:db8::ff00:42:8329'"],
  ]),
  'MariaDB 11.8': edges(hex, [
    ['old_address', 'INET4', "'10.1.2.3'"],
    ['vector', 'VECTOR(3) NOT NULL', "VEC_FromText('[1,2.5,-0]')"],
  ]),
  MySQL: [
    ...edges(text, [
      [
        'prices',
        'JSON',
        "JSON_OBJECT('price', CAST(1.10 AS DECIMAL(10, 2)), 'it''s \"\\\\', JSON_ARRAY(12345678901234567890123, " +
          "0.00, 1.5e0, 18446744073709551615), 'é\\n', NULL)",
      ],
      ['plain', 'JSON', `'{"a": [1e15, -0.0, 0.30000000000000004, "1.10 \\\\" é"]}'`],
      ['root', 'JSON', 'CAST(-1.50 AS JSON)'],
    ]),
    ...edges(hex, [['vector', 'VECTOR(3)', "STRING_TO_VECTOR('[1,2.5,-0]')"]]),
  ],
};

/** Tables of edges for a server: each kind alone, and together with what a server makes of text alone. */
export function edgeTables(name: string): Record<string, Edge[]> {
  const ofServer = Object.entries(own).flatMap(([server, found]) => (name.startsWith(server) ? found : []));
  return { numbers: [...temporal, ...numeric], octets: bytes, words, together: [...words, ...bytes, ...ofServer] };
}

/** The statements that make such a table, with its one row. */
export function edgeTable(table: string, columns: Edge[]): string {
  const definitions = columns.map(({ column, type }) => `\`${column}\` ${type}`);
  const values = columns.map(({ value }) => value);
  return `CREATE TABLE ${table} (number INT PRIMARY KEY, ${definitions.join(', ')}) ENGINE = InnoDB;
    INSERT INTO ${table} (number, ${columns.map(({ column }) => `\`${column}\``).join(', ')}) VALUES (1, ${values.join(', ')})`;
}
