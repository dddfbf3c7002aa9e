const token =
  /`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|\bconvert\(|[()]|[^`'"()](?:(?!\bconvert\()[^`'"()])*/gs;
const ending = /^(?!`)(.*) using \w+$/s;

/**
 * An expression without the conversions of results into a character set. MariaDB puts them into what it prints of a
 * table, for as long as it keeps it open, when a session of another character set has read it: a dump by its bytes is
 * one. What is written around a column stays.
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
