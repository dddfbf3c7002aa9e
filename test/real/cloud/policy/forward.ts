import { once } from 'node:events';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

/**
 * What becomes of an answer by its status: something was answered in its place already, or it goes back without the
 * headers that fit one of these.
 */
export type Verdict = void | readonly RegExp[];

/** Hands a request on as it came, the signed `Host` included, and the answer back. */
export async function forward(
  upstream: string,
  incoming: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  judge: (status: number) => Verdict = () => [],
): Promise<void> {
  const { hostname, port } = new URL(upstream);
  const sent = request({
    hostname,
    port,
    method: incoming.method,
    path: incoming.url,
    headers: incoming.headers,
    agent: false,
  });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const bytes = await buffer(answer);
  const hidden = judge(answer.statusCode ?? 502);
  if (hidden === undefined) return;
  const kept = Object.entries(answer.headers).filter(
    ([name]) => name !== 'transfer-encoding' && !hidden.some((pattern) => pattern.test(name)),
  );
  response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
  response.end(incoming.method === 'HEAD' ? undefined : bytes);
}
