import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bytes } from '../../core/domain/units.ts';
import type { DatabaseServer } from '../servers/server.ts';

export type SlowLink = { server: DatabaseServer; close(): Promise<void> };

/** A way to a server on which the first `fastBytes` of each connection pass at once and the rest only drips: a dump over it is never done. */
export async function slowLink(server: DatabaseServer, fastBytes: Bytes): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  const listener = createServer((client) => {
    const behind = keep(connect(server.port, server.host));
    keep(client);
    const ended = (): void => void [client.destroy(), behind.destroy()];
    void pipeline(client, behind).catch(() => {}).then(ended);
    void pipeline(behind, (chunks: AsyncIterable<Buffer>) => dripping(chunks, fastBytes), client).catch(() => {}).then(ended);
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  return {
    server: { ...server, port: (listener.address() as AddressInfo).port },
    async close() {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await once(listener, 'close');
    },
  };
}

async function* dripping(chunks: AsyncIterable<Buffer>, fastBytes: Bytes): AsyncIterable<Buffer> {
  let passed = 0;
  for await (const chunk of chunks) {
    if (passed > fastBytes) await sleep(200);
    passed += chunk.length;
    yield chunk;
  }
}
