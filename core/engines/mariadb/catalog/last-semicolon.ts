/**
 * Triggers and events as a dump prints them, without the `;` after their bodies. MySQL keeps it if a request had
 * several statements, as migrations have, and then accepts it from no client, because the dump prints the body in a
 * comment that continues after it.
 */
export function withoutLastSemicolons(lines: readonly string[]): string[] {
  return lines.map((line, index) =>
    /^\*\/ ?;;\n$/.test(lines[index + 1] ?? '') ? line.replace(/;\s*\n$/, ' \n') : line,
  );
}

/** The same for a definition as the server shows it. */
export function withoutLastSemicolon(definition: string): string {
  return definition.replace(/\s*;\s*$/, '');
}
