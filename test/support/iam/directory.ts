import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export type Bind = { name: string; password: string; allowed: boolean };

/** A directory that a database server asks whether a password is right. */
export type Directory = { port: number /** Every question so far. */; binds: Bind[]; close(): Promise<void> };

/**
 * An LDAP server that knows simple binds alone (RFC 4511, 4.2): in the test, it is to PostgreSQL what IAM is to RDS,
 * the place where a password that came in plain text is judged. Listens on a free port of 127.0.0.1.
 */
export async function startDirectory(allows: (name: string, password: string) => boolean): Promise<Directory> {
  const binds: Bind[] = [];
  const sockets = new Set<Socket>();

  function answer(socket: Socket, message: Buffer): void {
    const [id, operation] = children(element(message).content);
    if (operation?.tag !== 0x60) return void socket.end(); // an unbind: it goes
    const [, dn, secret] = children(operation.content);
    const [name, password] = [String(dn?.content), String(secret?.content)];
    const allowed = allows(name, password);
    binds.push({ name, password, allowed });
    const result = tagged(
      0x61,
      Buffer.concat([
        tagged(0x0a, Buffer.from([allowed ? 0 : 49])),
        tagged(0x04, Buffer.alloc(0)),
        tagged(0x04, Buffer.alloc(0)),
      ]),
    );
    socket.write(tagged(0x30, Buffer.concat([tagged(0x02, id!.content), result])));
  }

  const server = createServer((socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    socket.on('error', () => {});
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let whole = lengthOf(rest); whole !== undefined && rest.length >= whole; whole = lengthOf(rest)) {
        answer(socket, rest.subarray(0, whole));
        rest = rest.subarray(whole);
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    binds,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

type Element = { tag: number; content: Buffer; bytes: number };

/** The first element of BER: tag, length (one byte, or how many bytes it takes and then those), content. */
function element(from: Buffer): Element {
  const short = from[1] ?? 0;
  const digits = short < 0x80 ? 0 : short - 0x80;
  const length = digits === 0 ? short : from.readUIntBE(2, digits);
  const start = 2 + digits;
  return { tag: from[0] ?? 0, content: from.subarray(start, start + length), bytes: start + length };
}

function children(content: Buffer): Element[] {
  const all: Element[] = [];
  for (let at = 0; at < content.length; at += all.at(-1)!.bytes) all.push(element(content.subarray(at)));
  return all;
}

/** How long the first message is; undefined while that can't be told. */
function lengthOf(from: Buffer): number | undefined {
  return from.length < 8 && (from.length < 2 || from.length < 2 + ((from[1] ?? 0) & 0x7f))
    ? undefined
    : element(from).bytes;
}

/** Short enough for a length of one byte. */
function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}
