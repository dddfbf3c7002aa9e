import type { Tools } from '../tools.ts';

/** The programs of one run, and what those that succeeded have said on stderr. */
export type Hearing = {
  tools: Tools;
  /** Each message once: bounded in length, without secrets, and without the lines in which a server quotes values. */
  messages(): string[];
};

const mostMessages = 20;
const longestMessage = 500;

/** Listens to programs: an exit status of 0 says that the work was done, not that there was nothing to say about it. */
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

/** Who speaks, and from which line of its script: psql's sessions say the same of different lines. */
const speaker = /^(?:psql:[^ ]*:\d+|pg_dump|pg_restore|psql|mariadb-dump|mariadb): +/;
const afterLabel = /^([A-Z]+): +/;
const quotesValues = /^(?:DETAIL|CONTEXT|STATEMENT|QUERY|LOCATION|LINE \d+):|^\s*\^/;
/** Each program hands on what the server says: that is one message, not one of each program. */
const isServers = /^(?:WARNING|NOTICE|INFO|LOG): /;
const goesOn = /^(?:detail|hint|HINT): |^\s/;

/** Lines as messages: a detail or a hint belongs to what it stands behind. */
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
