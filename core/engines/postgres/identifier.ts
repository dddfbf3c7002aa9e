/** An identifier, always quoted: safe in any statement. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string constant that is safe whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/** An argument for psql's `\echo`, whatever it contains. */
export function quoteEcho(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}'`;
}

/**
 * The plain names in a list of identifiers as PostgreSQL prints it, split at its dots or commas: `public."Odd"` is
 * `['public', 'Odd']`.
 */
export function plainNames(printed: string): string[] {
  return [...printed.matchAll(/"((?:[^"]|"")*)"|([^",.\s]+)/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  );
}

/** Equal for the same name however it is quoted, and for no other: `a."b.c"` and `"a.b".c` differ. */
export function nameKey(printed: string): string {
  return JSON.stringify(plainNames(printed));
}
