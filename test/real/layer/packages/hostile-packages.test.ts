import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { debianRoot, machineArchitecture } from '../../../../layers/db-tools/debian/debian.ts';
import { startMirror, type Mirror } from './debian-mirror.ts';

type Member = { name: string; type: 'file' | 'symlink' | 'character-device' | 'fifo'; linkname?: string };

const limitMs = 60_000;
const before = { ...process.env };
const malicious: [what: string, members: Member[], why: RegExp][] = [
  [
    'a link out of the root',
    [{ name: './usr/way', type: 'symlink', linkname: '../../outside' }],
    /a link out of the root/,
  ],
  ['a device', [{ name: './usr/disk', type: 'character-device' }], /no file, folder or link/],
  ['a pipe', [{ name: './usr/pipe', type: 'fifo' }], /no file, folder or link/],
];

let mirror: Mirror;

beforeAll(async () => {
  mirror = await startMirror(machineArchitecture());
  process.env = { ...before, ...mirror.env };
  const tars = await Promise.all(malicious.map(([, members]) => tarOf(members)));
  await mirror.publish(tars.map((tar, at) => ({ name: `bad${at}`, version: '1', suite: 'trixie', tar })));
}, 10 * limitMs);
afterAll(async () => {
  process.env = before;
  await mirror.close();
});

test.each(malicious.map(([what, , why], at) => [what, at, why] as const))(
  'a package with %s, which the mirror vouches for, makes no root',
  async (_, at, why) => {
    const want = { name: `bad${at}`, suites: ['trixie'], packages: [`bad${at}=1`], withDependencies: false };

    await expect(debianRoot(want, () => {}, AbortSignal.timeout(limitMs))).rejects.toMatchObject({
      code: 'tools-missing',
      message: expect.stringMatching(why),
      hint: expect.stringContaining('NIGHTJAR_DEBIAN_MIRROR'),
    });

    expect(
      (await readdir(join(mirror.cache, 'debian', machineArchitecture(), 'roots'))).filter(
        (name) => !name.includes('.part-'),
      ),
    ).toEqual([]);
  },
  limitMs,
);

async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const member of members) tar.entry(member);
  tar.finalize();
  return buffer(tar);
}
