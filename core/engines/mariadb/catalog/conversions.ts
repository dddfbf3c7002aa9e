const token =
  /`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|\bconvert\(|[()]|[^`'"()](?:(?!\bconvert\()[^`'"()])*/gs;
const ending = /^(?!`)(.*) using \w+$/s;

/**
 * An expression without conversions of results into a character set. MariaDB prints them in a table's definition, while
 * it keeps the table open, after a session of another character set has read it, as a dump by bytes does. A conversion
 * that was written around a column stays.
 */
export function withoutConversions(text: string): string {
  if (!text.includes('convert(')) return text;
  const open: { conversion: boolean; inside: string }[] = [{ conversion: false, inside: '' }];
  for (const [part] of text.matchAll(token)) {
    if (part === '(' || part === 'convert(') open.push({ conversion: part !== '(', inside: '' });
    else if (part === ')' && open.length > 1) {
      const { conversion, inside } = open.pop()!;
      const result = conversion ? ending.exec(inside)?.[1] : undefined;
      open.at(-1)!.inside += result ?? `${conversion ? 'convert' : ''}(${inside})`;
    } else open.at(-1)!.inside += part;
  }
  return open
    .map(({ conversion, inside }, level) => (level === 0 ? inside : `${conversion ? 'convert' : ''}(${inside}`))
    .join('');
}
