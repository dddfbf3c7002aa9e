import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Each worker of Jest draws from its own, and none twice: between the draw and the server's start, somebody else could find it free as well. */
const ownPorts = 12_000 + 2_500 * (Number(process.env['JEST_WORKER_ID'] ?? 0) % 8);
const given = new Set<number>();

/**
 * A free TCP port on 127.0.0.1, drawn at random from below the range that the kernel gives to outgoing connections
 * (32768 and up), so that neither those nor a test running beside takes it before the server does.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = randomInt(ownPorts, ownPorts + 2_500);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error('no free port on 127.0.0.1 in 50 attempts');
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
