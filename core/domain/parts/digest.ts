import type { Bytes } from '../units.ts';

/** A digest of the names and sizes of a backup's parts, in any order; it begins with their number. */
export function digestOfParts(parts: readonly { file: string; bytes: Bytes }[]): string {
  const lines = parts.map(({ file, bytes }) => `${file} ${bytes}\n`).sort();
  return `${parts.length}-${digestOf(lines.join(''))}`;
}

/**
 * 64 bits that distinguish texts that differ by accident (cyrb53 by bryc, public domain). A stronger digest would not
 * help: whoever can write to a vault can keep sizes as they are.
 */
export function digestOf(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return [b, a].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
