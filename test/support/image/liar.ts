import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a registry that lies has been asked, and by whom it says that it was. */
export type Heard = { method: string; path: string; headers: IncomingMessage['headers'] };

/** Answers a request in its own way; false lets the real registry answer. */
export type Lie = (
  request: Heard,
  answer: ServerResponse,
  truth: () => Promise<Response>,
) => Promise<boolean> | boolean;

/** A registry that stands before a real one, and lies as it is told. */
export type Liar = { host: string; url: string; heard: Heard[]; lie: Lie; stop(): Promise<void> };

/** `host`: what it listens on, which is a name of this machine. */
export async function startLiar(real: string, host = '127.0.0.1'): Promise<Liar> {
  const server = createServer((request, answer) => {
    void respond(request, answer).catch(() => answer.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const liar: Liar = {
    host: `${host}:${port}`,
    url: `http://${host}:${port}`,
    heard: [],
    lie: () => false,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function respond(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const asked = { method, path, headers };
    liar.heard.push(asked);
    const truth = () =>
      fetch(`${real}${path}`, {
        method,
        headers: passedOn(headers),
        redirect: 'manual',
        ...(body.length > 0 && { body }),
      });
    if (await liar.lie(asked, answer, truth)) return;
    await tell(await truth(), answer, { from: real, to: liar.url });
  }

  return liar;
}

/** Gives an answer on as it is, and where it leads to this registry, to that. */
async function tell(truth: Response, answer: ServerResponse, { from, to }: { from: string; to: string }) {
  const headers = Object.fromEntries([...truth.headers].filter(([name]) => name !== 'transfer-encoding'));
  if (headers['location'] !== undefined) headers['location'] = headers['location'].replace(from, to);
  answer.writeHead(truth.status, headers);
  answer.end(Buffer.from(await truth.arrayBuffer()));
}

function passedOn(headers: IncomingMessage['headers']): Record<string, string> {
  const kept = ['accept', 'content-type', 'range'].flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return Object.fromEntries(kept);
}
