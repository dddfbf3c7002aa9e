import { startEndpoint } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';

type Text = { type?: string; text?: string };
type Block = { type?: string; text?: Text; fields?: Text[]; elements?: Text[] };

/** What Slack would refuse in a payload (API reference: blocks, text objects; the documented limits). */
export function slackProblems(payload: unknown): string[] {
  const { text, blocks } = payload as { text?: unknown; blocks?: Block[] };
  if (typeof text !== 'string' || text === '') return ['no_text'];
  if (!Array.isArray(blocks) || blocks.length > 50) return [`${blocks?.length} blocks`];
  return [
    ...(text.length > 40_000 ? ['msg_too_long'] : []),
    ...blocks.flatMap((block, index) => problemsOf(block).map((problem) => `blocks[${index}]: ${problem}`)),
  ];
}

/** An incoming webhook like Slack's: one address, its limits, its answers. */
export async function startSlack(): Promise<Endpoint & { webhook: string }> {
  const path = '/services/T0NIGHTJAR/B0ALERTS/sEcReTsEcReTsEcReTsEcReT';
  const endpoint = await startEndpoint(({ path: asked, body, headers }) => {
    if (asked !== path) return { status: 404, body: 'no_service' };
    if (!headers['content-type']?.startsWith('application/json')) return { status: 400, body: 'invalid_payload' };
    const problems = slackProblems(JSON.parse(body));
    return problems.length === 0
      ? { status: 200, body: 'ok' }
      : { status: 400, body: `invalid_blocks ${problems.join('; ')}` };
  });
  return { ...endpoint, webhook: `${endpoint.url}${path}` };
}

function problemsOf({ type, text, fields, elements }: Block): string[] {
  if (type === 'header') return within(text, 150, ['plain_text']);
  if (type === 'context')
    return (elements?.length ?? 0) > 10 || !elements?.length
      ? ['elements']
      : elements.flatMap((element) => within(element, 3000, ['mrkdwn', 'plain_text']));
  if (type !== 'section') return [`type ${type}`];
  if (text === undefined && !fields?.length) return ['neither text nor fields'];
  if ((fields?.length ?? 0) > 10) return [`${fields!.length} fields`];
  return [
    ...(text === undefined ? [] : within(text, 3000, ['mrkdwn', 'plain_text'])),
    ...(fields ?? []).flatMap((field) => within(field, 2000, ['mrkdwn', 'plain_text'])),
  ];
}

function within(text: Text | undefined, limit: number, types: string[]): string[] {
  if (!types.includes(text?.type ?? '')) return [`a text of type ${text?.type}`];
  const length = text?.text?.length ?? 0;
  return length < 1 || length > limit ? [`a text of ${length} characters`] : [];
}
