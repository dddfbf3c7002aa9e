import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

/** A way to the server on which each message of a client waits for `before`, which is told how many there were. */
export async function gate(to: { host: string; port: number }, before: (count: number) => Promise<void>) {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(to);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => other.destroy());
      one.on('close', () => (sockets.delete(one), other.destroy()));
    }
    upstream.on('data', (chunk) => client.write(chunk));
    upstream.on('end', () => client.end());
    void forward(client, upstream).catch(() => upstream.destroy());
  });
  async function forward(client: Socket, upstream: Socket): Promise<void> {
    for await (const chunk of client) {
      await before(count++);
      upstream.write(chunk as Buffer);
    }
    upstream.end();
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    begin: () => (count = 0),
    count: () => count,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
