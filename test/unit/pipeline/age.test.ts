import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import {
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { decrypted, encrypted } from '../../../core/pipeline/age/age.ts';
import { identitiesIn, recipientProblem } from '../../../core/pipeline/age/keys.ts';
import { ofAll } from '../../support/random/draws.ts';

const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const chunk = 65_536;
const sizes = [0, 1, chunk - 1, chunk, chunk + 1, 4 * chunk - 1, 4 * chunk, 4 * chunk + 1, 1_000_003];

async function* pieces(bytes: Uint8Array, size = 7_919) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
/** A chunk holds until the next is asked for. */
const whole = async (stream: AsyncIterable<Uint8Array>) =>
  Buffer.concat(await Array.fromAsync(stream, (part) => Buffer.from(part)));
const seal = (bytes: Uint8Array, to = [recipient]) => whole(encrypted(pieces(bytes), to));
const open = (bytes: Uint8Array, identities = [identity]) => whole(decrypted(pieces(bytes), identities, 'a part'));

test.each(sizes)('%d bytes: the library opens what was encrypted here, and the other way round', async (size) => {
  const content = randomBytes(size);
  const [decrypter, encrypter] = [new Decrypter(), new Encrypter()];
  decrypter.addIdentity(identity);
  encrypter.addRecipient(recipient);

  const [sealed, theirs] = [await seal(content), await encrypter.encrypt(content)];

  expect(content.equals(await decrypter.decrypt(sealed))).toBe(true);
  expect(content.equals(await open(theirs))).toBe(true);
  expect(content.equals(await open(sealed))).toBe(true);
});

test('each of several recipients opens it, a post-quantum one too, and nobody else', async () => {
  const [paper, quantum, stranger] = await Promise.all([
    generateX25519Identity(),
    generateHybridIdentity(),
    generateX25519Identity(),
  ]);
  const content = randomBytes(100_000);

  const sealed = await seal(content, await Promise.all([identity, paper, quantum].map(identityToRecipient)));

  for (const one of [identity, paper, quantum]) expect(content.equals(await open(sealed, [stranger, one]))).toBe(true);
  await expect(open(sealed, [stranger])).rejects.toMatchObject({
    code: 'key-missing',
    message: 'a part is encrypted, and no identity that is configured opens it',
  });
});

test('two of the same content have nothing in common', async () => {
  const content = Buffer.alloc(1000);
  const [one, two] = await Promise.all([seal(content), seal(content)]);
  const [a, b] = [one.subarray(-1016), two.subarray(-1016)];

  expect(a.filter((byte, index) => byte === b[index]).length).toBeLessThan(50);
});

test('a byte changed anywhere is found, and nothing changed is handed on', async () => {
  const sealed = await seal(Buffer.from('select 1'));

  for (const at of ofAll([...sealed.keys()])) {
    const changed = Buffer.from(sealed);
    changed[at]! ^= 1;
    await expect(open(changed)).rejects.toMatchObject({ code: expect.stringMatching(/^(part-corrupt|key-missing)$/) });
  }
});

test('cut anywhere, or with more behind it, it is damaged', async () => {
  const content = randomBytes(2 * chunk);
  const sealed = await seal(content);
  const start = sealed.length - 2 * (chunk + 16);
  const cuts = [0, 1, 100, start - 16, start - 1, start, start + 15, start + 16, start + chunk + 16, sealed.length - 1];

  for (const at of cuts) await expect(open(sealed.subarray(0, at))).rejects.toMatchObject({ code: 'part-corrupt' });
  await expect(open(Buffer.concat([sealed, Buffer.of(0)]))).rejects.toMatchObject({ code: 'part-corrupt' });
  await expect(open(Buffer.concat([sealed, sealed.subarray(-16)]))).rejects.toMatchObject({ code: 'part-corrupt' });
});

test('chunks that change places are found', async () => {
  const sealed = await seal(randomBytes(8 * chunk));
  const start = sealed.length - 8 * (chunk + 16);
  const at = (index: number) => sealed.subarray(start + index * (chunk + 16), start + (index + 1) * (chunk + 16));

  const swapped = Buffer.concat([sealed.subarray(0, start), at(1), at(0), ...[2, 3, 4, 5, 6, 7].map(at)]);

  await expect(open(swapped)).rejects.toMatchObject({ code: 'part-corrupt' });
});

test('what fails while it is read is the error of the reading, and the source is closed', async () => {
  let closed = false;
  async function* failing() {
    try {
      yield randomBytes(10);
      throw new Error('the vault is gone');
    } finally {
      closed = true;
    }
  }

  await expect(whole(encrypted(failing(), [recipient]))).rejects.toThrow('the vault is gone');
  expect(closed).toBe(true);
});

test('a reader that leaves closes the source', async () => {
  const sealed = await seal(randomBytes(8 * chunk));
  let closed = false;
  async function* watched() {
    try {
      yield* pieces(sealed);
    } finally {
      closed = true;
    }
  }

  for await (const _ of decrypted(watched(), [identity], 'a part')) break;
  expect(closed).toBe(true);
});

test('recipients and identities are looked at before anything is encrypted, and a secret is not shown', async () => {
  const text = `# created: 2026-11-29\n# public key: ${recipient}\n${identity}\n`;

  expect(recipientProblem(recipient)).toBeUndefined();
  expect(recipientProblem(`${recipient.slice(0, -1)}${recipient.endsWith('q') ? 'p' : 'q'}`)).toMatch(/checksum/i);
  expect(recipientProblem(identity)).toMatch(/unrecognized/);
  expect(identitiesIn(text, 'IDENTITY')).toEqual([identity]);
  expect(() => identitiesIn('hunter2', 'IDENTITY')).toThrow(/^IDENTITY holds a line that is no identity of age$/);
  expect(() => identitiesIn('# nothing', 'IDENTITY')).toThrow(/^IDENTITY is empty$/);
  await expect(seal(Buffer.of(1), [])).rejects.toMatchObject({ code: 'config-invalid' });
  await expect(seal(Buffer.of(1), ['age1nobody'])).rejects.toMatchObject({ code: 'config-invalid' });
});
