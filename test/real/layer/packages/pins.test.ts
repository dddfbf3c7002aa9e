import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { machineArchitecture } from '../../../../layers/db-tools/debian/debian.ts';
import type { PackagePin } from '../../../../layers/db-tools/lock.ts';
import { newestRoot, pinnedRoot, type PinnedRoot, type PinRule } from '../../../../layers/db-tools/debian/pins.ts';
import { packages as wanted } from '../../../../layers/db-tools/contents.ts';
import { dbToolsLayer } from '../../../../layers/db-tools/layer.ts';
import { nativeArchitecture } from '../native-layer.ts';
import { startMirror, type Mirror, type MirrorPackage } from './debian-mirror.ts';

const limitMs = 60_000;
const architecture = machineArchitecture();
const before = { ...process.env };
const tool = (version: string, suite: string, text = `tool ${version}\n`): MirrorPackage => ({
  name: 'tool',
  version,
  suite,
  files: { 'usr/bin/tool': text },
});
const old = tool('1.0-1', 'trixie');
const fixed = tool('1.0-1+deb13u1', 'trixie-security');

let mirror: Mirror;
let told: string[];

beforeAll(async () => {
  mirror = await startMirror(architecture);
}, 10 * limitMs);

beforeEach(async () => {
  told = [];
  process.env = { ...before, ...mirror.env };
  mirror.fault(undefined);
  await rm(mirror.cache, { recursive: true, force: true });
});

afterAll(async () => {
  process.env = before;
  await mirror.close();
});

test('what is pinned is fetched and unpacked', async () => {
  await mirror.publish([old, fixed]);

  const { root, pins, exact } = await made([pinOf('1.0-1+deb13u1')]);

  expect(await readFile(join(root, 'usr/bin/tool'), 'utf8')).toBe('tool 1.0-1+deb13u1\n');
  expect({ exact, pins }).toEqual({ exact: true, pins: [pinOf('1.0-1+deb13u1')] });
});

test('what was unpacked from the pinned files is used again, and no mirror is asked: it may have dropped them, or be down', async () => {
  await mirror.publish([old]);
  const pin = pinOf('1.0-1');
  const { root } = await made([pin]);
  mirror.fault(() => ({ status: 503 }));
  await rm(join(mirror.cache, 'debian', architecture, 'lists'), { recursive: true });

  expect(await made([pin])).toEqual({ root, pins: [pin], exact: true });
});

test('a version that has left the mirror ends the build, and the command that pins newer ones is named', async () => {
  await mirror.publish([fixed]);

  await expect(made([gone('1.0-1')])).rejects.toMatchObject({
    code: 'tools-missing',
    message: "Debian's mirror has dropped what is pinned: tool 1.0-1 → 1.0-1+deb13u1",
    hint: expect.stringContaining('nightjar layer update'),
  });
});

test('tests and demo take the newer version of the same suite, and say so', async () => {
  await mirror.publish([fixed, tool('2.0-1', 'sid'), { name: 'other', version: '3-1', suite: 'sid' }]);
  const other = { name: 'other', version: '3-1', suite: 'sid', sha256: mirror.hashOf('other', '3-1') };

  const { pins, exact } = await made([gone('1.0-1'), other], 'newer');

  expect({ exact, pins }).toMatchObject({
    exact: false,
    pins: [{ version: '1.0-1+deb13u1', suite: 'trixie-security' }, other],
  });
  expect(told.join('\n')).toContain('replaced: tool 1.0-1 → 1.0-1+deb13u1');
});

test('nobody takes an older version: not from a mirror that lags, not from one whose security archive was stripped', async () => {
  await mirror.publish([old], { without: ['trixie-security'] });

  const message = expect.stringContaining('tool 1.0-1+deb13u1 → nothing newer');
  await expect(made([gone('1.0-1+deb13u1')])).rejects.toMatchObject({ code: 'tools-missing', message });
  await expect(made([gone('1.0-1+deb13u1')], 'newer')).rejects.toMatchObject({ code: 'tools-missing', message });
});

test('an update from a mirror that is older than the pins changes nothing', async () => {
  await mirror.publish([
    old,
    ...wanted.map((name) => ({
      name: name.split('/')[0]!,
      version: '1',
      suite: name.includes('/') ? 'sid' : 'trixie',
      depends: 'tool',
    })),
  ]);

  const attempt = newestRoot(architecture, [gone('1.0-1+deb13u1')], report, AbortSignal.timeout(limitMs));

  await expect(attempt).rejects.toMatchObject({
    code: 'tools-missing',
    message: expect.stringContaining('older than the pins, which stay as they are: tool 1.0-1 (pinned: 1.0-1+deb13u1)'),
  });
});

test('what the mirror has dropped comes from the snapshot service, where one is set', async () => {
  await mirror.publish([old]);
  const pin = pinOf('1.0-1');
  Object.assign(process.env, mirror.keep());
  await mirror.publish([fixed, { name: 'other', version: '3-1', suite: 'trixie' }]);

  const { root, exact } = await made([pin, { ...gone('3-1'), name: 'other', sha256: '' }]);

  expect(exact).toBe(true);
  expect(await readFile(join(root, 'usr/bin/tool'), 'utf8')).toBe('tool 1.0-1\n');
});

test('a snapshot service that gives another file is refused', async () => {
  await mirror.publish([old]);
  Object.assign(process.env, mirror.keep());
  await mirror.publish([fixed]);

  await expect(made([{ ...gone('1.0-1'), sha256: 'e'.repeat(64) }])).rejects.toMatchObject({
    message: expect.stringContaining(`${'e'.repeat(64)} is pinned`),
  });
});

const troubles: [
  what: string,
  how: Parameters<Mirror['publish']>[1],
  fault: Parameters<Mirror['fault']>[0],
  reason: RegExp,
][] = [
  ['lists signed by a stranger', { signedBy: 'stranger' }, undefined, /NO_PUBKEY/],
  ['lists signed by nobody', { signedBy: 'nobody' }, undefined, /is not signed/],
  [
    'a security archive whose signature is broken',
    {},
    (path) => (path.endsWith('trixie-security/InRelease') ? { body: 'broken' } : undefined),
    /trixie-security.*isn't valid/,
  ],
  [
    'a security archive that lost its signed list',
    {},
    (path) => (path.endsWith('trixie-security/InRelease') ? { status: 404 } : undefined),
    /trixie-security Release' is not signed/,
  ],
  [
    'a security archive in trouble',
    {},
    (path) => (path.includes('trixie-security') ? { status: 503 } : undefined),
    /503/,
  ],
  [
    'a security archive whose index is not there',
    {},
    (path) => (path.includes('trixie-security/main') ? { status: 404 } : undefined),
    /404 {2}Not Found/,
  ],
  [
    'an index that was tampered with',
    {},
    (path) => (path.includes('trixie/main') ? { body: 'Package: tool\n' } : undefined),
    /unexpected size|Hash Sum/,
  ],
  [
    'a package that was tampered with',
    {},
    (path) => (path.endsWith('.deb') ? { body: 'x'.repeat(700) } : undefined),
    /unexpected size|Hash Sum/,
  ],
  [
    'a package that is not there',
    {},
    (path) => (path.endsWith('.deb') ? { status: 404 } : undefined),
    /404 {2}Not Found/,
  ],
  [
    'a package that is cut',
    {},
    (path) => (path.endsWith('.deb') ? { body: 'x'.repeat(700), cut: true } : undefined),
    /unexpected size|Connection failed|Hash Sum|Error reading/,
  ],
];

test.each(troubles)(
  '%s: the build ends with that reason, takes nothing older, and the next one on a good mirror is whole',
  async (_, how, fault, reason) => {
    await mirror.publish([old, fixed], how);
    mirror.fault(fault);
    const pin = pinOf('1.0-1+deb13u1');

    await expect(made([pin], 'newer')).rejects.toMatchObject({
      code: 'tools-missing',
      message: expect.stringMatching(reason),
    });

    await mirror.publish([old, fixed]);
    mirror.fault(undefined);
    expect((await made([pinOf('1.0-1+deb13u1')])).exact).toBe(true);
  },
  limitMs,
);

test(
  'a layer that is in trouble is built of the pins or not at all: nobody takes the newest of everything instead',
  async () => {
    await mirror.publish([old, fixed]);
    mirror.fault((path) => (path.includes('/dists/') ? { status: 503 } : undefined));

    const attempt = dbToolsLayer(nativeArchitecture, { rule: 'newer' }, report, AbortSignal.timeout(limitMs));

    await expect(attempt).rejects.toMatchObject({ code: 'tools-missing', message: expect.stringContaining('503') });
    expect(told.join('\n')).not.toMatch(/newest/);
  },
  limitMs,
);

/** Settings of a machine's own apt, and what must come of them. */
const machines: [what: string, conf: string, how: Parameters<Mirror['publish']>[1], refused: RegExp | undefined][] = [
  [
    'takes unsigned packages',
    'APT::Get::AllowUnauthenticated "true"; Acquire::AllowInsecureRepositories "true"; ' +
      'Acquire::AllowWeakRepositories "true"; Binary::apt-get::Acquire::AllowInsecureRepositories "true";',
    { signedBy: 'nobody' },
    /is not signed/,
  ],
  ['has another program check signatures', 'APT::Key::gpgvcommand "./gpgv";', { signedBy: 'stranger' }, /NO_PUBKEY/],
  [
    'prefers a release, distrusts hashes, runs hooks and has folders of its own',
    'APT::Default-Release "stable"; APT::Hashes::SHA256::Untrusted "true"; Dir::Cache::archives "/nonexistent"; ' +
      'APT::Update::Pre-Invoke { "touch hooked"; }; APT::Get::Simulate "true"; Acquire::ForceHash "md5";',
    {},
    undefined,
  ],
];

test.each(machines)('a machine whose apt %s makes no difference here', async (_, conf, how, refused) => {
  const folder = join(mirror.cache, '..');
  const vouches = 'printf "[GNUPG:] GOODSIG A Mirror\\n[GNUPG:] VALIDSIG A\\n" >&3';
  await writeFile(join(folder, 'gpgv'), `#!/bin/sh\n${vouches}\n`, { mode: 0o755 });
  const file = join(folder, 'machine.conf');
  await writeFile(file, conf.replaceAll('./', `${folder}/`).replace('touch ', `touch ${folder}/`));
  process.env['APT_CONFIG'] = file;
  await mirror.publish([fixed], how);

  const attempt = made([pinOf('1.0-1+deb13u1')]);

  if (refused === undefined) await expect(attempt).resolves.toMatchObject({ exact: true });
  else await expect(attempt).rejects.toMatchObject({ message: expect.stringMatching(refused) });
  await expect(access(join(folder, 'hooked'))).rejects.toThrow('ENOENT');
});

test('the way to the mirror is the machine’s own', async () => {
  const { origin } = new URL(mirror.env['NIGHTJAR_DEBIAN_MIRROR']!.split(' ')[0]!);
  const conf = join(mirror.cache, '../machine.conf');
  await writeFile(conf, `Acquire::http::Proxy "${origin}/";`);
  const unknown = 'http://mirror.invalid/debian';
  Object.assign(process.env, { APT_CONFIG: conf, NIGHTJAR_DEBIAN_MIRROR: `${unknown} ${unknown}` });
  await mirror.publish([fixed]);

  expect(await made([pinOf('1.0-1+deb13u1')])).toMatchObject({ exact: true });
});

test.each([
  ['without its security archive', { without: ['trixie-security', 'bookworm-security'] }, /no security archive/],
  ['with one that was frozen', { validDays: -3 }, /trixie-security.*(expired|invalid since)/],
] as const)(
  'nothing newest is taken from a mirror %s, for it lacks fixes; what is pinned is',
  async (_, how, refused) => {
    await mirror.publish([old], how);
    expect(await made([pinOf('1.0-1')])).toMatchObject({ exact: true });

    const attempt = newestRoot(architecture, [pinOf('1.0-1')], report, AbortSignal.timeout(limitMs));

    await expect(attempt).rejects.toMatchObject({ code: 'tools-missing', message: expect.stringMatching(refused) });
  },
  limitMs,
);

test('other bytes under the pinned version, though the mirror vouches for them, are refused before anything is unpacked', async () => {
  await mirror.publish([tool('1.0-1', 'trixie', 'forged\n')]);

  await expect(made([gone('1.0-1')])).rejects.toMatchObject({
    code: 'tools-missing',
    message: expect.stringContaining('not the files that are pinned'),
  });
});

function made(pins: PackagePin[], rule: PinRule = 'exact'): Promise<PinnedRoot> {
  return pinnedRoot(architecture, pins, rule, report, AbortSignal.timeout(limitMs));
}

function report(line: string): void {
  told.push(line);
}

/** A pin of what the mirror has. */
function pinOf(version: string): PackagePin {
  return {
    name: 'tool',
    version,
    suite: version.includes('deb13u') ? 'trixie-security' : 'trixie',
    sha256: mirror.hashOf('tool', version),
  };
}

/** A pin of what it has not, or not any more. */
function gone(version: string): PackagePin {
  return { name: 'tool', version, suite: 'trixie', sha256: 'a'.repeat(64) };
}
