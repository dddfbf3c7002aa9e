/**
 * Triggers and events as a dump prints them, without the `;` behind their bodies: MySQL keeps it where one request had
 * several statements, as migrations have, and takes it back from no client, since the dump prints the body in a comment
 * that goes on behind it.
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
