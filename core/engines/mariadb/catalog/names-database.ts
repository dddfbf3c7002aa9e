const text = /'(?:[^'\\]|\\.|'')*'/;
/** Those that servers execute are looked into. */
const comment = /\/\*(?!M?!).*?\*\/|(?:--(?=\s|$)|#)[^\n]*/;
/** With the dot behind it, where there is one. */
const someName = /(`(?:[^`]|``)*`|"(?:[^"\\]|\\.|"")*"|[\p{L}\p{N}_$]+)(\s*\.)?/u;
const token = new RegExp([text, comment, someName].map(({ source }) => source).join('|'), 'gsu');

/**
 * Whether a routine, trigger or event names this database before something in it: restored under another name it would
 * still reach into that one. A table or an alias of the same name counts too; what a body puts together as text is not
 * seen.
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
