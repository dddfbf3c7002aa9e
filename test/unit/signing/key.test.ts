import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Decrypter, Encrypter } from 'age-encryption';
import { parseConfig } from '../../../core/config-file.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-key-'));
});
afterEach(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });
/** What a person copies into the file, in front of the sources. */
const configured = (stdout: string) => {
  const group = stdout.split('\n').filter((line) => /^ {2}\S|^ {4}\S/.test(line));
  const text =
    `vault: ./b\ndefaults:\n${group.join('\n')}\nsources: { shop: { postgres: { host: db, user: u, database: shop ` +
    `} } }\n`;
  return [...parseConfig(text, 'nightjar.yaml').sources.values()][0]!;
};

test('an identity is written for us alone and not shown, and opens what its recipient was given', async () => {
  const { code, stdout, stderr } = await run('key', 'identity', 'identity.txt');

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect((await stat(join(folder, 'identity.txt'))).mode & 0o777).toBe(0o600);
  const identity = (await readFile(join(folder, 'identity.txt'), 'utf8')).split('\n').find((line) => !/^#/.test(line))!;
  expect(stdout).not.toContain(identity);
  const { encryption } = configured(stdout);
  expect(encryption.identity).toEqual({ file: 'identity.txt' });
  const [encrypter, decrypter] = [new Encrypter(), new Decrypter()];
  encrypter.addRecipient(encryption.recipients[0]!);
  decrypter.addIdentity(identity);
  expect(await decrypter.decrypt(await encrypter.encrypt('hello'), 'text')).toBe('hello');
});

test('a key pair is written for us alone and not shown, and its two halves belong together', async () => {
  const { code, stdout, stderr } = await run('key', 'signing', 'signing.pem');

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect((await stat(join(folder, 'signing.pem'))).mode & 0o777).toBe(0o600);
  const pem = await readFile(join(folder, 'signing.pem'), 'utf8');
  expect(stdout).not.toContain(pem.split('\n')[1]);
  expect(stdout).not.toContain('BEGIN');
  const { signing } = configured(stdout);
  expect(signing.privateKey).toEqual({ file: 'signing.pem' });
  const own = createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' }).toString('base64');
  expect(signing.publicKeys).toEqual([own]);
});

test.each(['identity', 'signing'])('a file that is there is never written over: %s', async (kind) => {
  await writeFile(join(folder, 'mine'), 'the only one');

  const { code, stderr } = await run('key', kind, 'mine');

  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') });
  expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('the only one');
});

test('the private part goes to stdout alone, and only when that is asked for', async () => {
  const { stdout, stderr } = await run('key', 'signing', '-');

  expect(createPrivateKey(stdout).asymmetricKeyType).toBe('ed25519');
  expect(stderr).toContain('publicKeys:');
  expect(stderr).not.toContain(stdout.split('\n')[1]);
});

test('for programs the document has the public part, and where the other one is', async () => {
  const { stdout } = await run('key', 'signing', 'signing.pem', '--json');

  expect(JSON.parse(stdout)).toEqual({
    ok: true,
    public: expect.stringMatching(/^MCowBQYDK2VwAyEA/),
    file: join(folder, 'signing.pem'),
  });
});
