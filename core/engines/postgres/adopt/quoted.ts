/**
 * Where in a script a line begins: inside a string, a quoted name, a dollar-quoted body or a comment (`close` is what
 * ends it), or between tokens. `isEnded`: nothing is open, and the last statement has its semicolon.
 */
export type Quoted = { close: string; isEnded: boolean };

export const between: Quoted = { close: '', isEnded: true };

const tokens =
  /'|"|\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$|--|\/\*|;|[A-Za-z0-9_\x80-\xff][\w$\x80-\xff]*|\S/g;

/**
 * What is open after this line, as PostgreSQL's lexer reads it (standard_conforming_strings on), as far as dumps need
 * it: comments are not nested.
 */
export function quotedAt({ close, isEnded }: Quoted, line: string): Quoted {
  let [open, ended, at, before] = [close, isEnded, 0, ''];
  while (at < line.length) {
    if (open !== '') {
      const end = endOf(open, line, at);
      if (end < 0) return { close: open, isEnded: false };
      [at, open] = [end, ''];
      continue;
    }
    tokens.lastIndex = at;
    const found = tokens.exec(line);
    if (found === null || found[0] === '--') break;
    const [token] = found;
    open = opensBy(token, before);
    if (open !== '*/') ended = token === ';';
    at = found.index + token.length;
    before = token;
  }
  return { close: open, isEnded: open === '' && ended };
}

/** What will close what this token opens; empty if it opens nothing. */
function opensBy(token: string, before: string): string {
  if (token === '/*') return '*/';
  if (token === "'") return /^[eE]$/.test(before) ? "E'" : token;
  return token === '"' || (token.length > 1 && token.startsWith('$')) ? token : '';
}

/** The position after the closing token; a doubled quote closes and opens again. */
function endOf(open: string, line: string, from: number): number {
  if (open !== "E'") {
    const end = line.indexOf(open, from);
    return end < 0 ? -1 : end + open.length;
  }
  for (let at = from; at < line.length; at += 1) {
    if (line[at] === '\\') at += 1;
    else if (line[at] === "'") return at + 1;
  }
  return -1;
}
