const text = /'(?:[^'\\]|\\.|'')*'/;
/** Comments, except those that servers execute. */
const comment = /\/\*(?!M?!).*?\*\/|(?:--(?=\s|$)|#)[^\n]*/;
/** Including the dot after it, if there is one. */
const someName = /(`(?:[^`]|``)*`|"(?:[^"\\]|\\.|"")*"|[\p{L}\p{N}_$]+)(\s*\.)?/u;
const token = new RegExp([text, comment, someName].map(({ source }) => source).join('|'), 'gsu');

/**
 * Whether a routine, trigger or event names this database before something: restored under another name it would still
 * reach the old one. A table or alias of the same name also counts; what a body assembles as text is not seen.
 */
export function namesDatabase(definition: string, database: string): boolean {
  const wanted = database.toLowerCase();
  for (const { 1: name, 2: dot, index } of definition.matchAll(token)) {
    if (name === undefined || dot === undefined || definition.slice(0, index).trimEnd().endsWith('.')) continue;
    if (plain(name).toLowerCase() === wanted) return true;
  }
  return false;
}

function plain(name: string): string {
  const quote = name[0];
  return quote === '`' || quote === '"' ? name.slice(1, -1).replaceAll(`${quote}${quote}`, quote) : name;
}
