import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { crc32, inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { zipFolder } from '../../../layers/db-tools/bill/zip-file.ts';

const execute = promisify(execFile);
const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const root = join(import.meta.dirname, '../../..');
let folder = '';
let layer = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-zip-'));
  layer = await dbToolsLayer(architecture, { rule: 'newer' }, () => {}, AbortSignal.timeout(1_200_000));
}, 1_210_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

type Unzipped = Map<string, { mode: number; content: Buffer }>;

/** Reads a zip file by its directory, as whoever unpacks a layer does; each content is checked against its sum. */
function unzipped(file: Buffer): Unzipped {
  const end = file.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const found: Unzipped = new Map();
  let at = file.readUInt32LE(end + 16);
  for (let left = file.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [crc, packed, size, nameBytes, attributes, offset] = [
      file.readUInt32LE(at + 16),
      file.readUInt32LE(at + 20),
      file.readUInt32LE(at + 24),
      file.readUInt16LE(at + 28),
      file.readUInt32LE(at + 38),
      file.readUInt32LE(at + 42),
    ];
    const name = file.toString('utf8', at + 46, at + 46 + nameBytes);
    const start = offset + 30 + file.readUInt16LE(offset + 26) + file.readUInt16LE(offset + 28);
    const content = inflateRawSync(file.subarray(start, start + packed));
    expect([name, content.length, crc32(content)]).toEqual([name, size, crc]);
    found.set(name, { mode: (attributes >>> 16) & 0o777, content });
    at += 46 + nameBytes;
  }
  return found;
}

test('the zip file that is published as the layer holds every file of it, with its mode, and is the same each time', async () => {
  const [first, second] = [join(folder, 'first.zip'), join(folder, 'second.zip')];
  await zipFolder(layer, first);
  await zipFolder(layer, second);

  const file = await readFile(first);
  const found = unzipped(file);

  const files = (await readdir(layer, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect([...found.keys()].sort()).toEqual(files.map((path) => relative(layer, path)).sort());
  for (const path of files) {
    const { mode, content } = found.get(relative(layer, path))!;
    expect([path, mode, content.equals(await readFile(path))]).toEqual([path, (await stat(path)).mode & 0o777, true]);
  }
  expect(file.equals(await readFile(second))).toBe(true);
}, 120_000);

test('the program that the stack names prints the path of the zip file and nothing else', async () => {
  const { NODE_OPTIONS: _, ...env } = process.env;

  const { stdout } = await execute(process.execPath, [join(root, 'layers/db-tools/zip.ts'), architecture], {
    env,
    timeout: 300_000,
  });

  expect(stdout).toMatch(/^\/\S+\.zip\n$/);
  expect(unzipped(await readFile(stdout.trim())).size).toBeGreaterThan(50);
}, 310_000);

test('a layer without the authorities of a source’s region is not published: no path, the reason, and what to do', async () => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const program = join(root, 'layers/db-tools/zip.ts');

  await expect(
    execute(process.execPath, [program, architecture, '--regions=eu-west-1,cn-north-1,eusc-de-east-1'], {
      env,
      timeout: 300_000,
    }),
  ).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/no authority of Amazon RDS for eusc-de-east-1.*\n.*tls: \{ ca:/),
  });
}, 310_000);

test('an architecture that there is not is refused', async () => {
  const { NODE_OPTIONS: _, ...env } = process.env;

  await expect(
    execute(process.execPath, [join(root, 'layers/db-tools/zip.ts'), 'mips'], { env }),
  ).rejects.toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('no such architecture: mips') });
});
