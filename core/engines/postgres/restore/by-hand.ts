import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import type { ByHand, Catalog } from '../../../ports.ts';
import { arrangements, closingOptions, commentOf, tablespaceOf } from '../database/statements.ts';
import { quoteLiteral } from '../identifier.ts';
import { holdsTimescale, tellTimescale } from './timescale.ts';

/** Overrides of a database's own settings that would make rows read differently, or be refused. */
const options = [
  'lc_monetary=C',
  'xmloption=content',
  'array_nulls=on',
  'default_transaction_read_only=off',
  'statement_timeout=0',
];
/** psql puts the name of the new database here, quoted. */
const database = ':"db"';

/**
 * Stock commands that restore a backup from a folder with its objects; the database is made as the old one was. The
 * shell interprets nothing in a name or a value.
 */
export function restoreCommands(parts: readonly ManifestPart[], catalog: Catalog, ownerless = false): ByHand[] {
  const load = `pg_restore --exit-on-error ${ownerless ? '--no-owner --no-privileges ' : ''}`;
  const timescale = (when: 'pre' | 'post') =>
    holdsTimescale(catalog) ? [`${psql} --dbname="$DB" --command=${quotedWord(tellTimescale(when))}`] : [];
  const data = parts.filter(({ role }) => role === 'data').map(({ file }) => file);
  const comment = commentOf(catalog);
  const before = arrangements(database, catalog)
    .filter(({ kind }) => !ownerless || kind !== 'database access')
    .map(({ sql }) => sql);
  return [
    `export PGOPTIONS='${options.map((option) => `-c ${option}`).join(' ')}'`,
    `createdb --template=template0 ${creation(catalog).join(' ')} "$DB"`,
    ...(catalog['schema']?.['public'] === undefined
      ? [`${psql} --dbname="$DB" --command='DROP SCHEMA IF EXISTS public'`]
      : []),
    ...sql([
      ...before,
      ...(comment === undefined ? [] : [`comment on database ${database} is ${quoteLiteral(comment)}`]),
    ]),
    `${load}--section=pre-data --dbname="$DB" schema.pgdump`,
    ...timescale('pre'),
    // the COMMIT is sent only if the whole part was unpacked
    ...data.map((file) => `{ echo 'BEGIN;' && zstd -dc ${file} && echo 'COMMIT;'; } | ${psql} --dbname="$DB"`),
    `${load}--section=post-data --dbname="$DB" schema.pgdump`,
    ...timescale('post'),
    ...sql(closingOptions(database, catalog).map((one) => one.sql)),
  ];
}

const psql = 'psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1';

function creation(catalog: Catalog): string[] {
  const { encoding, collate, ctype, provider, locale, 'icu rules': rules } = catalog['database'] ?? {};
  const given: [string, string | undefined][] = [
    ['encoding', encoding],
    ['lc-collate', collate],
    ['lc-ctype', ctype],
  ];
  if (provider === 'i') given.push(['locale-provider', 'icu'], ['icu-locale', locale], ['icu-rules', rules]);
  if (provider === 'b') given.push(['locale-provider', 'builtin'], ['builtin-locale', locale]);
  given.push(['tablespace', tablespaceOf(catalog)]);
  return given.flatMap(([option, value]) => (value === undefined ? [] : [`--${option}=${shellWord(value)}`]));
}

/**
 * Statements about the database, run from one that always exists. They are private, because settings and comments may
 * be confidential.
 */
function sql(statements: readonly string[]): ByHand[] {
  if (statements.length === 0) return [];
  return [
    {
      private:
        `printf '%s\\n' ${statements.map((statement) => quotedWord(`${statement};`)).join(' ')} | ${psql} ` +
        '--set=db="$DB" --dbname=postgres',
    },
  ];
}

function shellWord(text: string): string {
  return /^[\w.@-]+$/.test(text) ? text : quotedWord(text);
}

function quotedWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
