// AssemblyScript, compiled by build.ts into scan.wasm.ts. Finds rows in a chunk and adds up XXH64 (seed 0) of each; a row that crosses
// chunks goes through the streaming form of the hash. Takes rows out of a server's messages, too. Nothing is allocated. XXH64: xxHash
// specification, "XXH64 algorithm description".

/** Bytes of one chunk. */
export const capacity: usize = 65536;
/** Where a chunk goes; 64 bytes on either side are free for the host. */
export const input: usize = memory.data(65536 + 128) + 64;

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

const rest: usize = memory.data(32);
let held: usize = 0;
let length: u64 = 0;
let a: u64 = 0;
let b: u64 = 0;
let c: u64 = 0;
let d: u64 = 0;

let rows: u64 = 0;
let bytes: u64 = 0;
let total: u64 = 0;
let open: bool = false;
let depth: u32 = 0;
let inString: u64 = 0;
let escapeNext: u64 = 0;

/** Begins a table. */
export function start(): void {
  rows = 0;
  bytes = 0;
  total = 0;
  open = false;
  depth = 0;
  inString = 0;
  escapeNext = 0;
}

export function rowCount(): f64 {
  return f64(rows);
}

export function rowBytes(): f64 {
  return f64(bytes);
}

export function fingerprint(): u64 {
  return total;
}

/** Takes COPY text; returns the address behind the line `\.`, or 0 when the table goes on. */
export function lines(from: usize, to: usize): usize {
  const newline = i8x16.splat(0x0a);
  let row = from;
  for (let at = from; at < to; at += 16) {
    let found = i8x16.bitmask(i8x16.eq(v128.load(at), newline));
    if (to - at < 16) found &= (1 << i32(to - at)) - 1;
    while (found) {
      const end = at + ctz(found);
      found &= found - 1;
      if (open) {
        update(row, end);
        if (length == 2 && load<u16>(rest) == 0x2e5c) return end + 1;
        closeRow();
      } else {
        if (end - row == 2 && load<u16>(row) == 0x2e5c) return end + 1;
        addRow(row, end);
      }
      row = end + 1;
    }
  }
  if (row < to) keepRow(row, to);
  return 0;
}

/** Takes the tuples of an INSERT, strings with backslash escapes in them; returns the address behind its `;`, or 0 when it goes on. */
export function tuples(from: usize, to: usize): usize {
  let row = from;
  for (let at = from; at < to; at += 64) {
    const last = u64(min<usize>(to - at, 64) - 1);
    const valid = ~u64(0) >> (63 - last);
    const w = v128.load(at);
    const x = v128.load(at, 16);
    const y = v128.load(at, 32);
    const z = v128.load(at, 48);
    const backslashes = equal(w, x, y, z, 0x5c) & valid;
    const quotes = equal(w, x, y, z, 0x27) & valid;
    // -2 is 0xfe: '(' and ')' differ in the lowest bit alone
    const low = i8x16.splat(-2);
    const parentheses = equal(v128.and(w, low), v128.and(x, low), v128.and(y, low), v128.and(z, low), 0x28);

    const escaping = active(backslashes & ~escapeNext);
    const strings = prefixXor(quotes & ~((escaping << 1) | escapeNext)) ^ inString;
    escapeNext = (escaping >> last) & 1;
    inString = u64(i64(strings) >> 63);

    let marks = (parentheses | equal(w, x, y, z, 0x3b)) & valid & ~strings;
    while (marks) {
      const mark = at + usize(ctz(marks));
      marks &= marks - 1;
      const byte = load<u8>(mark);
      if (byte == 0x28) {
        if (depth == 0) row = mark;
        depth++;
      } else if (byte == 0x29) {
        if (depth == 0) continue;
        depth--;
        if (depth > 0) continue;
        if (open) {
          update(row, mark + 1);
          closeRow();
        } else addRow(row, mark + 1);
      } else if (depth == 0) {
        return mark + 1;
      }
    }
  }
  if (depth > 0) keepRow(row, to);
  return 0;
}

/** Of the message that is being taken, what is still to come. */
let coming: usize = 0;
/** Where `unframe` has stopped. */
export let stopped: usize = 0;

/**
 * Takes messages of rows (`d`, and a length that counts itself: PostgreSQL manual, 54.7), moves what is in them together
 * to `from`, and returns the address behind that. Stops before another message, or half the head of one.
 */
export function unframe(from: usize, to: usize): usize {
  let free = from;
  let at = from;
  for (;;) {
    const taken = min<usize>(coming, to - at);
    if (free != at) memory.copy(free, at, taken);
    free += taken;
    at += taken;
    coming -= taken;
    if (coming > 0 || to - at < 5 || load<u8>(at) != 0x64) break;
    const counted = bswap<u32>(load<u32>(at, 1));
    if (counted < 4) break;
    coming = counted - 4;
    at += 5;
  }
  stopped = at;
  return free;
}

/** A bit for each of 64 bytes that equals `byte`. */
// @ts-ignore: decorator
@inline
function equal(w: v128, x: v128, y: v128, z: v128, byte: u8): u64 {
  const wanted = i8x16.splat(byte);
  const low = u32(i8x16.bitmask(i8x16.eq(w, wanted))) | (u32(i8x16.bitmask(i8x16.eq(x, wanted))) << 16);
  const high = u32(i8x16.bitmask(i8x16.eq(y, wanted))) | (u32(i8x16.bitmask(i8x16.eq(z, wanted))) << 16);
  return u64(low) | (u64(high) << 32);
}

/** Of each run of backslashes the first, third, … : those that escape what follows. Adding its first bit to a run clears the run. */
// @ts-ignore: decorator
@inline
function active(backslashes: u64): u64 {
  const evenPlaces: u64 = 0x5555555555555555;
  const first = backslashes & ~(backslashes << 1) & evenPlaces;
  const evenRuns = backslashes & ~(backslashes + first);
  return (evenRuns & evenPlaces) | (backslashes & ~evenRuns & ~evenPlaces);
}

/** Bits from each odd-numbered one up to the next: the insides of strings, of bits at their quotes. */
// @ts-ignore: decorator
@inline
function prefixXor(bits: u64): u64 {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  return bits ^ (bits << 32);
}

function addRow(from: usize, to: usize): void {
  rows++;
  bytes += to - from;
  total += xxh64(from, to);
}

function keepRow(from: usize, to: usize): void {
  if (!open) begin();
  open = true;
  update(from, to);
}

function closeRow(): void {
  open = false;
  rows++;
  bytes += length;
  total += digest();
}

/** Begins a hash that comes in pieces. */
export function begin(): void {
  a = P1 + P2;
  b = P2;
  c = 0;
  d = 0 - P1;
  held = 0;
  length = 0;
}

export function update(from: usize, to: usize): void {
  length += to - from;
  if (held > 0) {
    const taken = min<usize>(32 - held, to - from);
    memory.copy(rest + held, from, taken);
    held += taken;
    from += taken;
    if (held < 32) return;
    stripes(rest, rest + 32);
  }
  from = stripes(from, to);
  held = to - from;
  memory.copy(rest, from, held);
}

export function digest(): u64 {
  return tail((length >= 32 ? merged() : P5) + length, rest, rest + held);
}

function xxh64(from: usize, to: usize): u64 {
  if (to - from < 32) return tail(P5 + (to - from), from, to);
  begin();
  const end = stripes(from, to);
  return tail(merged() + (to - from), end, to);
}

/** Takes every whole stripe of 32 bytes; returns where it stopped. */
function stripes(from: usize, to: usize): usize {
  let w = a;
  let x = b;
  let y = c;
  let z = d;
  while (from + 32 <= to) {
    w = round(w, load<u64>(from));
    x = round(x, load<u64>(from, 8));
    y = round(y, load<u64>(from, 16));
    z = round(z, load<u64>(from, 24));
    from += 32;
  }
  a = w;
  b = x;
  c = y;
  d = z;
  return from;
}

function merged(): u64 {
  let hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
  hash = (hash ^ round(0, a)) * P1 + P4;
  hash = (hash ^ round(0, b)) * P1 + P4;
  hash = (hash ^ round(0, c)) * P1 + P4;
  return (hash ^ round(0, d)) * P1 + P4;
}

function tail(hash: u64, from: usize, to: usize): u64 {
  for (; from + 8 <= to; from += 8) hash = rotl<u64>(hash ^ round(0, load<u64>(from)), 27) * P1 + P4;
  if (from + 4 <= to) {
    hash = rotl<u64>(hash ^ (u64(load<u32>(from)) * P1), 23) * P2 + P3;
    from += 4;
  }
  for (; from < to; from++) hash = rotl<u64>(hash ^ (u64(load<u8>(from)) * P5), 11) * P1;
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}

// @ts-ignore: decorator
@inline
function round(lane: u64, value: u64): u64 {
  return rotl<u64>(lane + value * P2, 31) * P1;
}
