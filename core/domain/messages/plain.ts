import type { Message, Severity } from '../../contract/events/message.ts';
import { moment } from './text.ts';

const labels: Record<Severity, string> = {
  problem: 'PROBLEM',
  reminder: 'STILL',
  recovered: 'RECOVERED',
  info: 'INFO',
};

/** A message in one line: `PROBLEM shop: the newest backup is 26 h old, over the limit of 25 h`. */
export function title({ severity, source, subject }: Message): string {
  return `${labels[severity]} ${source === undefined ? '' : `${source}: `}${subject}`;
}

/** A message as plain text for mail; no column needs a fixed-width font. */
export function plainText(message: Message): string {
  const { facts, next } = message;
  return [
    `${title(message)}\n`,
    ...(facts.length === 0 ? [] : [`${facts.map(({ label, value }) => `${label}: ${value}`).join('\n')}\n`]),
    ...(next.length === 0 ? [] : [`Run next:\n${next.map((command) => `  ${command}`).join('\n')}\n`]),
    closing(message),
    '',
  ].join('\n');
}

/** Where to read more, and when it was told. */
export function closing(message: Message): string {
  return `What it means and what to do: ${runbookOf(message)}\nTold by Nightjar at ${moment(new Date(message.at), message.timeZone)}.`;
}

/** The section of the runbook; a link if the place where people can read it is known. */
export function runbookOf({ link, runbook }: Pick<Message, 'link' | 'runbook'>): string {
  return link ?? `docs/runbook.md#${runbook}`;
}

/** The web address of this version's runbook, from package.json; undefined unless that names a place on GitHub. */
export function projectRunbook({
  version,
  repository,
}: {
  version: string;
  repository?: string | { url: string } | undefined;
}): string | undefined {
  const url = typeof repository === 'string' ? repository : repository?.url;
  const [, place] = /^(?:github:|.*github\.com[/:])([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(url ?? '') ?? [];
  return place && `https://github.com/${place}/blob/v${version}/docs/runbook.md`;
}

/** A text of at most `limit` UTF-16 units, with a sign that something is missing; no character is split. */
export function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = limit - 1;
  const high = text.charCodeAt(end - 1);
  return `${text.slice(0, high >= 0xd800 && high <= 0xdbff ? end - 1 : end)}…`;
}
