import { BackupError } from '../errors.ts';

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [arrayOpens, arrayCloses, objectOpens, objectCloses] = [0x5b, 0x5d, 0x7b, 0x7d];
const blanks = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
const longestElement = 256 * 1024 * 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The position in the document: before the array, in it (`ended`: after an element), inside an element, after the
 * array.
 */
type ElementPlace = { depth: number; inText: boolean; escaped: boolean; begun: boolean; ended: boolean };

/**
 * The elements of a JSON array of objects, one by one, as text; holds nothing else of the document. What is inside an
 * element is left to its parser. Throws `input-invalid` if it is no such array, or ends too early.
 */
export async function* elementsOf(bytes: AsyncIterable<Uint8Array>, longest = longestElement): AsyncGenerator<string> {
  const place: ElementPlace = { depth: 0, inText: false, escaped: false, begun: false, ended: false };
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    let from = place.depth >= 2 ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const was = place.depth;
      step(place, chunk[at]!);
      if (was === 1 && place.depth === 2) from = at;
      if (was === 2 && place.depth === 1) {
        yield textOf(Buffer.concat([...held, chunk.subarray(from, at + 1)]));
        [held, size, from] = [[], 0, -1];
      }
    }
    if (from < 0) continue;
    held.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > longest) throw noFixture('one of its records is longer than 256 MB');
  }
  if (!place.begun) throw noFixture('it is empty');
  if (place.depth > 0) throw noFixture('it ends in the middle: was the dump cut?');
}

/** Fails where the bytes are of another encoding, or damaged: they would become U+FFFD without a word. */
function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new BackupError('input-invalid', 'this is not what dumpdata writes: it is not UTF-8', {
      hint: 'Python on Windows may write the code page of the machine: PYTHONUTF8=1 manage.py dumpdata --output fixture.json',
      cause,
    });
  }
}

/** Takes one more byte. */
function step(place: ElementPlace, byte: number): void {
  if (place.inText) {
    if (place.escaped) place.escaped = false;
    else if (byte === backslash) place.escaped = true;
    else if (byte === quote) place.inText = false;
    return;
  }
  if (place.depth >= 2) {
    if (byte === quote) place.inText = true;
    else if (byte === objectOpens || byte === arrayOpens) place.depth += 1;
    else if (byte === objectCloses || byte === arrayCloses) place.depth -= 1;
    return;
  }
  if (blanks.has(byte)) return;
  if (place.depth === 0) {
    if (place.begun || byte !== arrayOpens) throw noFixture(`it ${place.begun ? 'goes on behind' : 'is not'} an array`);
    [place.begun, place.depth] = [true, 1];
  } else if (byte === objectOpens && !place.ended) [place.depth, place.ended] = [2, true];
  else if (byte === comma && place.ended) place.ended = false;
  else if (byte === arrayCloses) place.depth = 0;
  else throw noFixture('something in its array is not a record');
}

function noFixture(why: string): BackupError {
  return new BackupError('input-invalid', `this is not what dumpdata writes: ${why}`, {
    hint: 'convert takes JSON, as "manage.py dumpdata --output fixture.json" writes it, or that in gzip',
  });
}
