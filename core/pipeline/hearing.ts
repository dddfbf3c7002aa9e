import type { Tools } from '../tools.ts';

/** The programs of one run, and what the successful ones printed on stderr. */
export type Hearing = {
  tools: Tools;
  /** Each message once, of limited length, without secrets and without the lines in which a server quotes values. */
  messages(): string[];
};

const mostMessages = 20;
const longestMessage = 500;

/** Listens to programs: exit status 0 means that the work was done, not that there was nothing to report. */
export function hearing(tools: Tools): Hearing {
  const said = new Set<string>();
  const hear = (name: string, words: string) =>
    messagesIn(words).forEach((message) =>
      said.add(`${isServers.test(message) ? 'the server' : name} said: ${message}`),
    );
  return {
    tools: {
      ...tools,
      program: (name, major) => ({ ...tools.program(name, major), heard: (words) => hear(name, words) }),
    },
    messages: () => [...said],
  };
}

/** What was heard, as warnings for a person: each message once, and not too many. */
export function warningsOf(messages: readonly string[]): string[] {
  const said = new Set(messages);
  const shown = [...said].slice(0, mostMessages);
  return said.size === shown.length
    ? shown
    : [...shown, `${said.size - shown.length} more messages of the database’s programs are not shown`];
}

/** The program that speaks, and the line of its script: several psql sessions say the same about different lines. */
const speaker = /^(?:psql:[^ ]*:\d+|pg_dump|pg_restore|psql|mariadb-dump|mariadb): +/;
const afterLabel = /^([A-Z]+): +/;
const quotesValues = /^(?:DETAIL|CONTEXT|STATEMENT|QUERY|LOCATION|LINE \d+):|^\s*\^/;
/** Each program passes the server's messages on: that is one message, not one per program. */
const isServers = /^(?:WARNING|NOTICE|INFO|LOG): /;
const goesOn = /^(?:detail|hint|HINT): |^\s/;

/** Splits lines into messages: a detail or hint belongs to the message before it. */
function messagesIn(words: string): string[] {
  const messages: string[] = [];
  for (const line of words.split('\n').map((each) => each.replace(speaker, '').replace(afterLabel, '$1: ').trimEnd())) {
    if (line === '' || quotesValues.test(line)) continue;
    if (goesOn.test(line) && messages.length > 0) messages.push(`${messages.pop()!}; ${line.trim()}`);
    else messages.push(line);
  }
  return messages.map((message) =>
    message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message,
  );
}
