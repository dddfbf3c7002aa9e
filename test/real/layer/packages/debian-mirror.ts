import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../../layers/db-tools/debian/run.ts';
import { serverRoot } from '../../../servers/root.ts';
import { debFile, tarOfTexts } from './deb-file.ts';

/**
 * A package of the mirror: files by path, and what goes into its control file. `tar` is the package's content as it is,
 * in place of `files`; `deb` is the whole package. `architecture`: the mirror's first, unless given.
 */
export type MirrorPackage = {
  name: string;
  version: string;
  suite: string;
  files?: Record<string, string>;
  tar?: Buffer;
  deb?: Buffer;
  depends?: string;
  architecture?: DebianArchitecture;
};
type DebianArchitecture = 'amd64' | 'arm64';

/** How the mirror answers a path; undefined: as it should. */
export type Fault = (path: string) => { status?: number; body?: Buffer | string; cut?: true } | undefined;

export type Mirror = {
  /** What a process needs to fetch from this mirror: NIGHTJAR_DEBIAN_MIRROR, its key, and a cache of its own. */
  env: Record<string, string>;
  cache: string;
  /**
   * Publishes suites with these packages, signed with the mirror's key or with a stranger's. `validDays`: until its
   * lists expire.
   */
  publish(
    packages: readonly MirrorPackage[],
    how?: { signedBy?: 'mirror' | 'stranger' | 'nobody'; validDays?: number; without?: readonly string[] },
  ): Promise<void>;
  fault(fault: Fault | undefined): void;
  /**
   * Keeps what is published now for the snapshot service, whose address is in NIGHTJAR_DEBIAN_SNAPSHOT of `snapshot`.
   */
  keep(): { NIGHTJAR_DEBIAN_SNAPSHOT: string };
  /** SHA-256 of a package's file. */
  hashOf(name: string, version: string): string;
  close(): Promise<void>;
};

const suites = [
  'trixie',
  'trixie-updates',
  'trixie-security',
  'bookworm',
  'bookworm-updates',
  'bookworm-security',
  'sid',
];
const limit = (): AbortSignal => AbortSignal.timeout(60_000);

/** A Debian mirror of our own on this machine, signed with a key of its own, for one architecture or more. */
export async function startMirror(
  ...architectures: readonly [DebianArchitecture, ...DebianArchitecture[]]
): Promise<Mirror> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-mirror-'));
  await chmod(folder, 0o755);
  const cache = join(folder, 'cache');
  const keys = { mirror: await makeKey(join(folder, 'key')), stranger: await makeKey(join(folder, 'stranger')) };
  const files = new Map<string, Buffer>();
  const kept = new Map<string, Buffer>();
  let built: (MirrorPackage & { deb: Buffer; architecture: DebianArchitecture })[] = [];
  let fault: Fault | undefined;
  const server = createServer((request, response) => answer(request, response, new Map([...files, ...kept]), fault));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`;
  return {
    cache,
    env: {
      NIGHTJAR_CACHE: cache,
      NIGHTJAR_DEBIAN_MIRROR: `${address} ${address}`,
      NIGHTJAR_DEBIAN_KEYRING: keys.mirror.keyring,
    },
    async publish(packages, { signedBy = 'mirror', validDays = 7, without = [] } = {}) {
      files.clear();
      built = [];
      for (const one of packages) {
        const architecture = one.architecture ?? architectures[0];
        built.push({ ...one, architecture, deb: one.deb ?? (await build(one, architecture)) });
      }
      for (const suite of suites.filter((name) => !without.includes(name))) {
        const lists = architectures.map((architecture) => {
          const index = Buffer.from(
            built
              .filter((one) => one.suite === suite && one.architecture === architecture)
              .map((one) => entryOf(one, files))
              .join(''),
          );
          files.set(`/debian/dists/${suite}/main/binary-${architecture}/Packages`, index);
          return ` ${sha256(index)} ${index.length} main/binary-${architecture}/Packages\n`;
        });
        // the same hour gives the same text, whose signature is known
        const now = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000);
        const until = new Date(now.getTime() + validDays * 86_400_000);
        const from = new Date(Math.min(now.getTime(), until.getTime()) - 86_400_000);
        const release =
          `Origin: Debian\nSuite: ${suite}\nCodename: ${suite}\nDate: ${from.toUTCString()}\nValid-Until: ` +
          `${until.toUTCString()}\nArchitectures: ${architectures.join(' ')}\nComponents: ` +
          `main\nSHA256:\n${lists.join('')}`;
        files.set(`/debian/dists/${suite}/Release`, Buffer.from(release));
        if (signedBy !== 'nobody')
          files.set(`/debian/dists/${suite}/InRelease`, Buffer.from(await keys[signedBy].sign(release)));
      }
    },
    fault: (next) => (fault = next),
    keep() {
      for (const { name, version, deb, architecture } of built) {
        const hash = createHash('sha1').update(deb).digest('hex');
        const info = {
          result: [{ architecture, hash }],
          fileinfo: { [hash]: [{ name: `${name}_${version}_${architecture}.deb` }] },
        };
        kept.set(`/snapshot/mr/binary/${name}/${version}/binfiles?fileinfo=1`, Buffer.from(JSON.stringify(info)));
        kept.set(`/snapshot/file/${hash}`, deb);
      }
      return { NIGHTJAR_DEBIAN_SNAPSHOT: address.replace('/debian', '/snapshot') };
    },
    hashOf: (name, version) => sha256(built.find((one) => one.name === name && one.version === version)!.deb),
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A package's entry in an index; its file is put where the entry says. */
function entryOf(
  { name, version, architecture, depends, deb }: MirrorPackage & { deb: Buffer },
  files: Map<string, Buffer>,
): string {
  const path = `pool/${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`;
  files.set(`/debian/${path}`, deb);
  return `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\n${depends ? `Depends: ${depends}\n` : ''}Filename: ${path}\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\nDescription: test\n\n`;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  files: ReadonlyMap<string, Buffer>,
  fault: Fault | undefined,
): void {
  // a client that takes it for a proxy names it whole
  const path = decodeURIComponent((request.url ?? '').replace(/^http:\/\/[^/]+/, ''));
  const wrong = fault?.(path);
  const body =
    wrong?.body !== undefined ? Buffer.from(wrong.body) : wrong?.status === undefined ? files.get(path) : undefined;
  const status = wrong?.status ?? (body === undefined ? 404 : 200);
  response.writeHead(status, { 'content-length': body?.length ?? 0 });
  if (wrong?.cut && body !== undefined) {
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
    return;
  }
  response.end(body);
}

/** A package as it should be, or one whose content is a tar file that no honest builder makes. */
async function build(
  { name, version, files = {}, tar, depends }: MirrorPackage,
  architecture: string,
): Promise<Buffer> {
  const control =
    `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: Nobody ` +
    `<nobody@example.invalid>\n${depends ? `Depends: ${depends}\n` : ''}Description: test\n`;
  const texts = { [`usr/share/doc/${name}/copyright`]: `License: MIT\n`, ...files };
  return debFile(control, tar ?? (await tarOfTexts(texts)));
}

/** Its agent ends by itself when the folder is gone. */
type Key = { keyring: string; sign(text: string): Promise<string> };

async function makeKey(home: string): Promise<Key> {
  const { path, env } = await serverRoot(
    { name: 'gnupg', suites: ['trixie'], packages: ['gpg', 'gpg-agent'] },
    () => undefined,
    AbortSignal.timeout(600_000),
  );
  await mkdir(home, { mode: 0o700 });
  const options = { env: { ...process.env, ...env } };
  const gpg = [
    join(path, 'usr/bin/gpg'),
    '--homedir',
    home,
    '--agent-program',
    join(path, 'usr/bin/gpg-agent'),
    '--batch',
    '--yes',
    '--passphrase',
    '',
    '--pinentry-mode',
    'loopback',
  ] as const;
  await run(
    [...gpg, '--quick-generate-key', 'Mirror <mirror@example.invalid>', 'rsa3072', 'sign', 'never'],
    options,
    limit(),
  );
  const keyring = `${home}.gpg`; // where apt's own user may read it
  await run([...gpg, '--output', keyring, '--export'], options, limit());
  const known = new Map<string, string>();
  return {
    keyring,
    async sign(text) {
      const before = known.get(text);
      if (before !== undefined) return before;
      await writeFile(join(home, 'text'), text);
      await run(
        [...gpg, '--clearsign', '--digest-algo', 'SHA512', '--output', join(home, 'signed'), join(home, 'text')],
        options,
        limit(),
      );
      known.set(text, await readFile(join(home, 'signed'), 'utf8'));
      return known.get(text)!;
    },
  };
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
