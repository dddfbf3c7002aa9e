import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { machineArchitecture } from '../../../../layers/db-tools/debian/debian.ts';
import { attempt } from '../../../../layers/db-tools/debian/run.ts';
import { startMirror, type Mirror } from './debian-mirror.ts';

const limitMs = 5 * 60_000;
const module = join(import.meta.dirname, '../../../../layers/db-tools/debian/pins.ts');
const megabyte = 1_000_000;
/** The package has 20 MB; it is opened into a file of that size, and that is unpacked. */
const sizes: [size: string, where: string][] = [
  ['10m', 'a package is fetched'],
  ['30m', 'it is opened'],
  ['50m', 'it is unpacked'],
];

let mirror: Mirror;

beforeAll(async () => {
  mirror = await startMirror(machineArchitecture());
  const files = { 'usr/share/tool/large': randomBytes(10 * megabyte).toString('hex') };
  await mirror.publish([
    { name: 'tool', version: '1.0-1', suite: 'trixie', files },
    { name: 'tool', version: '1.0-1+deb13u1', suite: 'trixie-security', files },
  ]);
  await mkdir(mirror.cache, { recursive: true });
}, limitMs);
afterAll(() => mirror.close());

test.each(sizes)(
  'a disk of %s is full while %s: the build ends with that reason, and takes no other version',
  async (size) => {
    const { status, output, complaint } = await made(size);

    expect({ status, output }).toEqual({ status: 1, output: '' });
    expect(complaint).toMatch(/No space left on device|ENOSPC|enough free space/);
    expect(complaint).not.toMatch(/replaced|have left the mirror|has dropped/);
  },
  limitMs,
);

test(
  'with room, the pinned version is unpacked',
  async () => {
    const { status, output } = await made('200m');

    expect({ status, output }).toEqual({ status: 0, output: '1.0-1\n' });
  },
  limitMs,
);

/** Unpacks the pinned version with the cache on a disk of its own. */
function made(size: string): ReturnType<typeof attempt> {
  const pin = { name: 'tool', version: '1.0-1', suite: 'trixie', sha256: mirror.hashOf('tool', '1.0-1') };
  const code = `import { pinnedRoot } from ${JSON.stringify(module)};
    pinnedRoot(${JSON.stringify(machineArchitecture())}, [${JSON.stringify(pin)}], 'newer', (line) => console.error(line), AbortSignal.timeout(120_000))
      .then(({ pins }) => console.log(pins[0].version), (error) => { console.error(error.message, error.cause?.message); process.exitCode = 1; });`;
  const namespaces = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const enter = 'mount -t tmpfs -o mode=755,size="$0" none "$1" && shift && exec "$@"';
  const argv = [
    'unshare',
    ...namespaces,
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    enter,
    size,
    mirror.cache,
    process.execPath,
    '--input-type=module',
    '-e',
    code,
  ] as const;
  return attempt(argv, { env: { ...process.env, ...mirror.env, NODE_OPTIONS: '' } }, AbortSignal.timeout(limitMs));
}
