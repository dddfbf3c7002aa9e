import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** A connection through the proxy: the head of the request that is under way, and the bytes passed since it began. */
export type Passing = { request: string; up: number; down: number };

/** What becomes of bytes that pass: they go on, changed or not; nothing goes on; the connection is cut. */
export type Verdict = Buffer | 'hold' | 'cut';

export type ProxyOptions = {
  /** Certificate and key, PEM: TLS ends here, and the store is spoken to in plain HTTP. */
  tls?: { key: string; cert: string };
  up?: ((chunk: Buffer, passing: Passing) => Verdict) | undefined;
  down?: ((chunk: Buffer, passing: Passing) => Verdict) | undefined;
};

export type Proxy = { endpoint: string; requests: string[]; close(): Promise<void> };

const head = /^(GET|PUT|POST|HEAD|DELETE) \S+ HTTP[^]*?\r\n\r\n/;

/** A TCP proxy in front of a store, for the troubles of networks. */
export async function startProxy(store: string, options: ProxyOptions): Promise<Proxy> {
  const { hostname, port } = new URL(store);
  const requests: string[] = [];
  const open = new Set<Socket>();
  const pass = (client: Socket): void => {
    const upstream = connect(Number(port), hostname);
    const passing: Passing = { request: '', up: 0, down: 0 };
    const cut = (): void => [client, upstream].forEach((socket) => socket.destroy());
    const give = (verdict: Verdict, to: Socket): void =>
      verdict === 'cut' ? cut() : verdict === 'hold' ? undefined : void to.write(verdict);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', cut).on('close', () => {
        open.delete(socket);
        // what one has sent before it closed arrives
        [client, upstream].forEach((one) => one.destroySoon());
      });
    }
    client.on('data', (chunk) => {
      const found = head.exec(chunk.toString('latin1', 0, 8192))?.[0];
      if (found !== undefined) Object.assign(passing, { request: found, up: 0, down: 0 });
      if (found !== undefined) requests.push(found);
      passing.up += chunk.length;
      give(options.up?.(chunk, passing) ?? chunk, upstream);
    });
    upstream.on('data', (chunk) => {
      passing.down += chunk.length;
      give(options.down?.(chunk, passing) ?? chunk, client);
    });
  };
  const server: Server = options.tls === undefined ? createServer(pass) : createTlsServer(options.tls, pass);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scheme = options.tls === undefined ? 'http' : 'https';
  const close = async (): Promise<void> => {
    open.forEach((socket) => socket.destroy());
    server.close();
    await once(server, 'close');
  };
  return { endpoint: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close };
}
