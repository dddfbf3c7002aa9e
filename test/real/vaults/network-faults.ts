import type { Passing, ProxyOptions, Verdict } from './proxy.ts';

/**
 * How a request goes wrong: it is not let through; it is cut, or stands still, on its way; its answer is lost, cut, or
 * stands still; the store says that it is busy, though it has done it; a bit of what is stored or read is another one.
 */
export const faultKinds = [
  'refused',
  'request cut',
  'request held',
  'request flipped',
  'answer lost',
  'answer cut',
  'answer held',
  'answer flipped',
  'busy',
] as const;

/** `nth`: the first request that goes wrong; `times`: how many do; `at`: after so many bytes of it. */
export type NetworkFault = { kind: (typeof faultKinds)[number]; nth: number; times: number; at: number };

const busy = Buffer.from('HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');

/** Draws a fault. One that stands still does so once: each of its tries lasts until it is given up. */
export function drawFault(random: () => number): NetworkFault {
  const kind = faultKinds[Math.floor(random() * faultKinds.length)]!;
  const isLong = kind.endsWith('held');
  const times = isLong || random() < 0.5 ? 1 : random() < 0.5 ? 3 : Number.POSITIVE_INFINITY;
  return { kind, nth: 1 + Math.floor(random() * 8), times, at: 1 + Math.floor(10 ** (random() * 5)) };
}

/** What a proxy does to what passes it, one fault at a time. */
export function faultyNetwork() {
  let fault: NetworkFault | undefined;
  let requests = 0;
  let struck = 0;
  let inAll = 0;
  const hit = new WeakSet<Passing>();

  /** Whether the request that begins with this chunk is one that goes wrong. */
  function begin(passing: Passing): void {
    hit.delete(passing);
    requests += 1;
    const isHit = fault !== undefined && requests >= fault.nth && struck < fault.times && isMeant(fault, passing);
    if (!isHit) return;
    struck += 1;
    inAll += 1;
    hit.add(passing);
  }

  function up(chunk: Buffer, passing: Passing): Verdict {
    if (passing.up === chunk.length) begin(passing);
    if (fault === undefined || !hit.has(passing)) return chunk;
    if (fault.kind === 'refused') return 'cut';
    const isReached = passing.up > fault.at;
    if (fault.kind === 'request cut' && isReached) return 'cut';
    if (fault.kind === 'request held' && isReached) return 'hold';
    if (fault.kind === 'request flipped') return flipped(chunk, passing.request.length - passing.up + chunk.length);
    return chunk;
  }

  function down(chunk: Buffer, passing: Passing): Verdict {
    if (fault === undefined || !hit.has(passing)) return chunk;
    const isFirst = passing.down === chunk.length;
    const isReached = passing.down > fault.at;
    if (fault.kind === 'answer lost') return 'cut';
    if (fault.kind === 'busy') return isFirst ? busy : 'hold';
    if (fault.kind === 'answer cut' && isReached) return 'cut';
    if (fault.kind === 'answer held' && isReached) return 'hold';
    if (fault.kind === 'answer flipped') return flipped(chunk, isFirst ? chunk.indexOf('\r\n\r\n') + 4 : 0);
    return chunk;
  }

  return {
    options: { up, down } satisfies ProxyOptions,
    arm(next: NetworkFault | undefined): void {
      fault = next;
      requests = 0;
      struck = 0;
    },
    struckInAll: () => inAll,
  };
}

/** A bit flips in what is stored and read; a listing has no checksum, and TLS keeps it from harm. */
function isMeant({ kind }: NetworkFault, { request }: Passing): boolean {
  if (kind === 'request flipped') return request.startsWith('PUT');
  return kind !== 'answer flipped' || (request.startsWith('GET') && !request.includes('list-type='));
}

/** The same bytes, with another one behind the head. */
function flipped(chunk: Buffer, head: number): Buffer {
  const from = Math.max(0, head);
  if (from >= chunk.length) return chunk;
  const other = Buffer.from(chunk);
  other[from + Math.floor((chunk.length - from) / 2)]! ^= 1;
  return other;
}
