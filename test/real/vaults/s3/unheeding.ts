import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const conditions = ['if-none-match', 'if-match'];
const unknown = '<Error><Code>NotImplemented</Code><Message>A header implies what is not implemented</Message></Error>';

/**
 * In front of a store: takes the conditions from what is written (`ignored`), as a store does that does not know them, or
 * answers that it knows none (`refused`). A signature does not survive the first: for stores that look at none.
 */
export async function startUnheeding(store: string, how: 'ignored' | 'refused') {
  const { hostname, port } = new URL(store);
  function pass(from: IncomingMessage, to: ServerResponse): void {
    const { method = '', url: path, headers } = from;
    const isConditional = ['PUT', 'POST'].includes(method) && conditions.some((name) => name in headers);
    if (isConditional && how === 'refused') {
      from.resume();
      return void to.writeHead(501, { connection: 'close' }).end(unknown);
    }
    const { expect: _, ...passed } = headers;
    for (const name of isConditional ? conditions : []) delete passed[name];
    const asked = ask({ hostname, port, method, path, headers: passed }, (answer) => {
      to.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(to);
    });
    asked.on('error', () => to.destroy());
    to.on('close', () => asked.destroy());
    from.pipe(asked);
  }
  const server = createServer(pass);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
