/** The meanings of PostgreSQL's error codes (manual, appendix A) that a query can lead to. */
const meanings: Readonly<Record<string, string>> = {
  '25006': 'it would write',
  '42501': 'a right is missing',
  '42601': 'a mistake of syntax',
  '42703': 'there is no such column',
  '42704': 'there is no such object',
  '42883': 'there is no such function or operator',
  '42P01': 'there is no such table or view',
  '3F000': 'there is no such schema',
};

/**
 * The server's message about a statement that it can't answer. A cast to `regclass` and the like looks up a row's value
 * as a name, and the error quotes it. So the message is shown only if everything it names is in the statement;
 * otherwise the code and its meaning. The message of a function in the database may be anything.
 */
export function serverWords(
  { code, message, routine }: { code: string; message: string; routine: string | undefined },
  statement: string,
): string {
  if (/^(42|25)/.test(code) && routine !== 'exec_stmt_raise' && namesOnly(message, statement)) return message;
  return `the server's error ${code}${meanings[code] === undefined ? '' : `: ${meanings[code]}`}`;
}

/**
 * Quoted names, and what follows a colon. Servers in other languages quote differently: their messages are not shown.
 */
function namesOnly(message: string, statement: string): boolean {
  if (/[„“”«»‘’‚「」]/.test(message)) return false;
  const pieces = message.split('"');
  const [, named] = /: (.*)$/s.exec(message) ?? [];
  const names = [...pieces.filter((_, index) => index % 2 === 1), ...(named === undefined ? [] : [named])];
  const known = statement.toLowerCase();
  return pieces.length % 2 === 1 && names.every((name) => known.includes(name.toLowerCase()));
}
