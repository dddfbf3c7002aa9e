import { request as requestPlain } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { once } from 'node:events';
import { abortError } from '../../../domain/errors.ts';
import { formatDuration } from '../../../domain/units.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';

/** One request. `body` is sent with its length, which registries require. */
export type HttpAsked = {
  method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';
  url: URL;
  headers: Readonly<Record<string, string>>;
  body?: { content: Buffer | ByteStream; length: Bytes };
  /** How long the answer may take after everything is sent, in milliseconds. */
  answerMs?: number;
};

/** Its answer; the caller reads the body or dismisses it. */
export type HttpAnswered = { status: number; headers: IncomingMessage['headers']; body: IncomingMessage };

/** A registry that completes a large blob may copy it first. */
const shortBytes = 65_536;
const waits = { answerMs: 60_000, chunkMs: 60_000 };

/** Sends a request, and waits for the head of its answer. `ca`: the authority of the other side. */
export async function exchange(asked: HttpAsked, ca: string | undefined, signal: AbortSignal): Promise<HttpAnswered> {
  if (signal.aborted) throw abortError(signal);
  const { method, url, body, answerMs = waits.answerMs } = asked;
  const headers = { ...asked.headers, 'content-length': String(body?.length ?? 0) };
  const request = url.protocol === 'https:' ? requestTls : requestPlain;
  // a body that can be sent only once gets a new connection, because the other side may just be closing a kept one
  const options = { method, headers: body === undefined ? asked.headers : headers, ...(ca !== undefined && { ca }) };
  const sent = request(url, body === undefined ? options : { ...options, agent: false });
  const answer = Promise.withResolvers<IncomingMessage>();
  stopWith(sent, answer.promise, signal);
  // for the whole lifetime: a stopped request may report errors at any time
  sent.on('error', answer.reject);
  sent.once('response', (response) => {
    response.on('error', () => undefined);
    answer.resolve(response);
  });
  answer.promise.catch(() => undefined);
  try {
    await sendBody(sent, body?.content, answer.promise);
    const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${formatDuration(answerMs)}`)), answerMs);
    const response = await answer.promise.finally(() => clearTimeout(timer));
    return { status: response.statusCode ?? 0, headers: response.headers, body: response };
  } catch (error) {
    sent.destroy();
    throw signal.aborted ? abortError(signal) : error;
  }
}

/**
 * Stops a request, or the rest of its answer, when the signal aborts. Node's own option (`signal`) may also destroy a
 * connection that was just returned to the pool, whose error nobody handles.
 */
function stopWith(sent: ClientRequest, answer: Promise<IncomingMessage>, signal: AbortSignal): void {
  let response: IncomingMessage | undefined;
  const stop = (): void => {
    if (response === undefined) sent.destroy(abortError(signal));
    else if (!response.complete) response.destroy(abortError(signal));
  };
  void answer.then(
    (one) => (response = one),
    () => undefined,
  );
  signal.addEventListener('abort', stop, { once: true });
  sent.once('close', () => signal.removeEventListener('abort', stop));
}

/** An answer may come before everything is sent: then nothing more is sent. */
async function sendBody(
  sent: ClientRequest,
  content: Buffer | ByteStream | undefined,
  answer: Promise<IncomingMessage>,
): Promise<void> {
  if (content === undefined || content instanceof Uint8Array) return void sent.end(content);
  let isAnswered = false;
  void answer.then(
    () => (isAnswered = true),
    () => undefined,
  );
  for await (const chunk of content) {
    if (isAnswered) break;
    if (!sent.write(chunk)) await drained(sent, answer);
  }
  sent.end();
}

async function drained(sent: ClientRequest, answer: Promise<IncomingMessage>): Promise<void> {
  const stop = new AbortController();
  const timer = setTimeout(
    () => sent.destroy(new Error(`takes nothing for ${formatDuration(waits.chunkMs)}`)),
    waits.chunkMs,
  );
  const drain = once(sent, 'drain', { signal: stop.signal });
  drain.catch(() => undefined);
  await Promise.race([drain, answer]).finally(() => {
    clearTimeout(timer);
    stop.abort();
  });
}

/** The body of an answer as it arrives; each wait has a limit. */
export async function* bodyOf({ body }: HttpAnswered, signal: AbortSignal): ByteStream {
  const late = (): unknown => body.destroy(new Error(`nothing came for ${formatDuration(waits.chunkMs)}`));
  let timer = setTimeout(late, waits.chunkMs);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      if (signal.aborted) throw abortError(signal);
      yield chunk;
      timer = setTimeout(late, waits.chunkMs);
    }
  } catch (error) {
    throw signal.aborted ? abortError(signal) : error;
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

/** The body if it is no larger than `most`, else its beginning. */
export async function beginningOf(answered: HttpAnswered, most: Bytes, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of bodyOf(answered, signal)) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > most) break;
  }
  return Buffer.concat(chunks).subarray(0, most + 1);
}

/** Dismisses an answer of which only the head matters. A short body is read, which keeps the connection. */
export function dismiss({ headers, body }: HttpAnswered): void {
  const isShort = Number(headers['content-length'] ?? Number.NaN) <= shortBytes;
  if (isShort || body.complete) body.resume();
  else body.destroy();
}
