import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export type Received = { path: string; headers: IncomingHttpHeaders; body: string; at: number };
/** Status 0: no answer at all. */
export type Reply = { status: number; headers?: Record<string, string>; body?: string };

/** A web address on this machine: answers what `answer` returns, but first everything in `refusals`. */
export type Endpoint = {
  url: string;
  /** The requests that were accepted. */
  accepted: Received[];
  /** All requests. */
  received: Received[];
  /** Answers to give first, one per request. */
  refusals: Reply[];
  stop(): Promise<void>;
};

/** Starts one. */
export async function startEndpoint(answer: (received: Received) => Reply): Promise<Endpoint> {
  const accepted: Received[] = [];
  const received: Received[] = [];
  const refusals: Reply[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
        at: performance.now(),
      };
      received.push(one);
      const { status, headers = {}, body = '' } = refusals.shift() ?? answer(one);
      if (status === 0) return;
      if (status < 300) accepted.push(one);
      response.writeHead(status, headers).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted,
    received,
    refusals,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
