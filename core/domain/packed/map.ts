/**
 * Maps texts to texts, kept as bytes outside the heap: hundreds of thousands of names would take several times as much
 * as objects. Entries stay, in insertion order.
 */
export type PackedMap = {
  readonly size: number;
  /** False, and nothing is stored, if the key exists. */
  add(key: string, value: string): boolean;
  /** The position of a key in insertion order; undefined if it is missing. */
  indexOf(key: string): number | undefined;
  get(key: string): string | undefined;
  keyAt(index: number): string;
  valueAt(index: number): string;
};

const blockBytes = 1024 ** 2;
/** A record is the lengths of its key and its value, 4 bytes each, and the two. */
const head = 8;
/** UTF-8 takes at most three bytes for a UTF-16 unit. */
const mostForLetter = 3;

/** An empty one. */
export function packedMap(): PackedMap {
  const blocks: Buffer[] = [];
  let block = Buffer.alloc(0);
  let used = 0;
  let size = 0;
  /** Where each record begins: the number of its block, and the offset in it. */
  let places = new Uint32Array(64);
  /** By the hash of the key: the record, counted from one. */
  let slots = new Uint32Array(256);
  let sought = Buffer.allocUnsafeSlow(256);

  function room(bytes: number): void {
    // a longer block holds a single record
    if (used + bytes <= block.length && used < blockBytes) return;
    block = Buffer.allocUnsafeSlow(Math.max(blockBytes, bytes));
    blocks.push(block);
    used = 0;
  }

  const blockOf = (index: number): Buffer => blocks[Math.floor(places[index]! / blockBytes)]!;
  const placeIn = (index: number): number => places[index]! % blockBytes;

  /** The slot of a key, which may be empty. */
  function slotOf(bytes: Buffer, from: number, to: number): number {
    let slot = hashOf(bytes, from, to) & (slots.length - 1);
    while (slots[slot] !== 0 && !isKeyAt(slots[slot]! - 1, bytes, from, to)) slot = (slot + 1) & (slots.length - 1);
    return slot;
  }

  function isKeyAt(index: number, bytes: Buffer, from: number, to: number): boolean {
    const [known, at] = [blockOf(index), placeIn(index)];
    if (known.readUInt32LE(at) !== to - from) return false;
    for (let step = 0; step < to - from; step += 1) if (known[at + head + step] !== bytes[from + step]) return false;
    return true;
  }

  function grow(): void {
    if (size === places.length) places = copied(places, new Uint32Array(places.length * 2));
    if (size * 2 < slots.length) return;
    slots = new Uint32Array(slots.length * 2);
    for (let index = 0; index < size; index += 1) {
      const [known, at] = [blockOf(index), placeIn(index)];
      slots[slotOf(known, at + head, at + head + known.readUInt32LE(at))] = index + 1;
    }
  }

  function indexOf(key: string): number | undefined {
    if (sought.length < key.length * mostForLetter) sought = Buffer.allocUnsafeSlow(key.length * mostForLetter);
    const found = slots[slotOf(sought, 0, sought.write(key))]!;
    return found === 0 ? undefined : found - 1;
  }

  function keyAt(index: number): string {
    const [known, at] = [blockOf(index), placeIn(index)];
    return known.toString('utf8', at + head, at + head + known.readUInt32LE(at));
  }

  function valueAt(index: number): string {
    const [known, at] = [blockOf(index), placeIn(index)];
    const from = at + head + known.readUInt32LE(at);
    return known.toString('utf8', from, from + known.readUInt32LE(at + 4));
  }

  return {
    get size() {
      return size;
    },
    add(key, value) {
      room(head + (key.length + value.length) * mostForLetter);
      const keyBytes = block.write(key, used + head);
      const slot = slotOf(block, used + head, used + head + keyBytes);
      if (slots[slot] !== 0) return false;
      const valueBytes = block.write(value, used + head + keyBytes);
      block.writeUInt32LE(keyBytes, used);
      block.writeUInt32LE(valueBytes, used + 4);
      places[size] = (blocks.length - 1) * blockBytes + used;
      used += head + keyBytes + valueBytes;
      size += 1;
      slots[slot] = size;
      grow();
      return true;
    },
    indexOf,
    get(key) {
      const index = indexOf(key);
      return index === undefined ? undefined : valueAt(index);
    },
    keyAt,
    valueAt,
  };
}

function copied(from: Uint32Array<ArrayBuffer>, to: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  to.set(from);
  return to;
}

/** FNV-1a (draft-eastlake-fnv), with its upper half folded in because only a few bits are used. */
function hashOf(bytes: Buffer, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
