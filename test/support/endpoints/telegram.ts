import { startEndpoint } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';

type Sent = { chat_id?: string; text?: string; entities?: { type: string; offset: number; length: number }[] };

/**
 * What the Bot API would refuse in a sendMessage (its documentation: 1 to 4,096 characters, entities in UTF-16 units,
 * at most 100 of them).
 */
export function telegramProblem(sent: unknown): string | undefined {
  const { chat_id: chat, text, entities = [] } = sent as Sent;
  if (chat === undefined) return 'Bad Request: chat_id is empty';
  if (text === undefined || text.trim() === '') return 'Bad Request: message text is empty';
  if (text.length > 4096) return 'Bad Request: message is too long';
  if (!text.isWellFormed() || text !== text.trim())
    return 'Bad Request: the text would be trimmed, and its entities move';
  if (entities.length > 100) return 'Bad Request: too many entities';
  const wrong = entities.find(
    ({ type, offset, length }) =>
      !['bold', 'pre'].includes(type) ||
      length < 1 ||
      offset < 0 ||
      offset + length > text.length ||
      text.slice(offset, offset + length) !== text.slice(offset, offset + length).trim(),
  );
  return wrong && `Bad Request: ENTITY_BOUNDS_INVALID ${JSON.stringify(wrong)}`;
}

/** The Bot API like Telegram's: one bot, one chat. */
export async function startTelegram(): Promise<Endpoint & { token: string; chat: string }> {
  const token = '123456789:AAF-sEcReTsEcReTsEcReTsEcReTsEcReT';
  const chat = '-1001234567890';
  const endpoint = await startEndpoint(({ path, body }) => {
    if (path !== `/bot${token}/sendMessage`) return answer(401, 'Unauthorized');
    const sent = JSON.parse(body) as Sent;
    if (sent.chat_id !== chat) return answer(400, 'Bad Request: chat not found');
    const problem = telegramProblem(sent);
    return problem === undefined
      ? { status: 200, body: JSON.stringify({ ok: true, result: { message_id: 1 } }) }
      : answer(400, problem);
  });
  return { ...endpoint, token, chat };
}

/** How the Bot API refuses. */
export function answer(status: number, description: string, parameters?: object) {
  return {
    status,
    body: JSON.stringify({ ok: false, error_code: status, description, ...(parameters && { parameters }) }),
  };
}
