import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to a port of this machine on which nothing passes any more from some moment on. */
export async function muteable(port: number) {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.pipe(far).pipe(near);
    sockets.push(near, far);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    silence: () => sockets.forEach((socket) => void socket.unpipe().pause()),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
