import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bytes } from '../../../../core/domain/units.ts';
import type { DatabaseServer } from '../../../servers/server.ts';

export type SlowLink = {
  server: DatabaseServer;
  /** From now on nothing drips. */
  hasten(): void;
  /** From now on it does, after so many bytes. */
  slow(fastBytes: Bytes): void;
  close(): Promise<void>;
};

/**
 * A way to a server on which the first `fastBytes` of each connection and direction pass at once and the rest only
 * drips: no dump and no restore over it is ever done.
 */
export async function slowLink(server: DatabaseServer, fastBytes: Bytes): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  const flow = { fastBytes };
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  const listener = createServer((client) => {
    const behind = keep(connect(server.port, server.host));
    keep(client);
    const ended = (): void => void [client.destroy(), behind.destroy()];
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      void pipeline(from, (chunks: AsyncIterable<Buffer>) => dripping(chunks, flow), to)
        .catch(() => {})
        .then(ended);
    }
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  return {
    server: { ...server, port: (listener.address() as AddressInfo).port },
    hasten: () => void (flow.fastBytes = Infinity),
    slow: (bytes) => void (flow.fastBytes = bytes),
    async close() {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await once(listener, 'close');
    },
  };
}

async function* dripping(chunks: AsyncIterable<Buffer>, flow: { fastBytes: Bytes }): AsyncIterable<Buffer> {
  let passed = 0;
  for await (const chunk of chunks) {
    if (passed > flow.fastBytes) await sleep(200);
    passed += chunk.length;
    yield chunk;
  }
}
