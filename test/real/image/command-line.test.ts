import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { serverRoot } from '../../servers/root.ts';
import { startRegistry } from '../../servers/images/registry.ts';
import type { RegistryServer } from '../../servers/images/registry.ts';
import { openSkopeo } from '../../servers/images/skopeo.ts';
import type { Skopeo } from '../../servers/images/skopeo.ts';
import { inCommon } from '../../support/files/sealed.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { bash } from '../../support/files/stock.ts';
import { fetchDocument, ociTypes, pushBlob, pushDocument, sha256Of } from '../../support/image/pushing.ts';
import type { Described, PushTo } from '../../support/image/pushing.ts';
import { limit } from '../../support/vaults/vault.ts';

// the registry is Debian's; what Nightjar makes is judged by Debian's skopeo, which checks every digest

const execute = promisify(execFile);
const limitMs = 300_000;
let registry: RegistryServer;
let skopeo: Skopeo;
let folder = '';
let index: Described;
let arm: Described;
let docker: Described;

const repository = (name: string): PushTo => ({
  url: registry.url,
  repository: name,
  headers: {
    authorization: `Basic ${Buffer.from(`${registry.login.username}:${registry.login.password}`).toString('base64')}`,
  },
});

/** A layer as builders make them: a tar of a file, zipped. */
async function layerWith(name: string, content: string): Promise<{ zipped: Buffer; plain: Buffer }> {
  await writeFile(join(folder, name), content);
  const { stdout } = await execute('tar', ['--create', '-C', folder, name], { encoding: 'buffer', maxBuffer: 2 ** 26 });
  await rm(join(folder, name));
  return { zipped: gzipSync(stdout), plain: stdout };
}

async function pushApp(
  to: PushTo,
  architecture: string,
  layers: { zipped: Buffer; plain: Buffer }[],
  types: { manifest: string; config: string; layer: string },
  tag?: string,
) {
  const diffs = layers.map(({ plain }) => sha256Of(plain));
  const config = { os: 'linux', architecture, config: {}, rootfs: { type: 'layers', diff_ids: diffs }, history: [] };
  const pushed = await Promise.all(layers.map(({ zipped }) => pushBlob(to, zipped, types.layer)));
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: await pushBlob(to, JSON.stringify(config), types.config),
    layers: pushed,
  };
  return pushDocument(to, manifest, types.manifest, tag);
}

beforeAll(async () => {
  registry = await startRegistry({ login: true });
  skopeo = await openSkopeo();
  folder = await mkdtemp(join(tmpdir(), 'nightjar-image-cli-'));
  const base = await layerWith('base', 'shared by both '.repeat(50_000));
  const [own, other] = [await layerWith('app', 'amd64'), await layerWith('app', 'arm64')];
  const to = repository('shop/app');
  const oci = { manifest: ociTypes.manifest, config: ociTypes.config, layer: ociTypes.zippedLayer };
  const amd = await pushApp(to, 'amd64', [base, own], oci);
  arm = await pushApp(to, 'arm64', [base, other], oci);
  const annotations = {
    'vnd.docker.reference.type': 'attestation-manifest',
    'vnd.docker.reference.digest': arm.digest,
  };
  const attestation = await pushDocument(
    to,
    {
      schemaVersion: 2,
      mediaType: ociTypes.manifest,
      config: await pushBlob(to, '{"architecture":"unknown","os":"unknown"}', ociTypes.config),
      layers: [await pushBlob(to, '{"predicate":{}}', 'application/vnd.in-toto+json')],
    },
    ociTypes.manifest,
  );
  const manifests = [
    { ...amd, platform: { os: 'linux', architecture: 'amd64' } },
    { ...arm, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { ...attestation, platform: { os: 'unknown', architecture: 'unknown' }, annotations },
  ];
  index = await pushDocument(
    to,
    { schemaVersion: 2, mediaType: ociTypes.index, manifests, annotations: { made: 'by hand' } },
    ociTypes.index,
    '1.2',
  );
  docker = await pushApp(
    repository('shop/old'),
    'amd64',
    [base, own],
    {
      manifest: 'application/vnd.docker.distribution.manifest.v2+json',
      config: 'application/vnd.docker.container.image.v1+json',
      layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    },
    'v7',
  );
  const age = await serverRoot({ name: 'age', suites: ['trixie'], packages: ['age'] }, () => {}, limit());
  const identity = join(folder, 'identity.txt');
  await execute(join(age.path, 'usr/bin/age-keygen'), ['-o', identity]);
  const { stdout: recipient } = await execute(join(age.path, 'usr/bin/age-keygen'), ['-y', identity]);
  const login = `username: ${registry.login.username}, password: { file: password.txt }`;
  await writeFile(join(folder, 'password.txt'), `${registry.login.password}\n`);
  await writeFile(join(folder, 'wrong.txt'), 'hunter22');
  await writeFile(
    join(folder, 'nightjar.yaml'),
    [
      'vault: ./backups',
      'vaults: { offsite: ./offsite }',
      'sources:',
      '  app:',
      `    image: { ref: ${registry.host}/shop/app:1.2, ${login}, scratch: ./scratch }`,
      '    copies: [offsite]',
      `  arm: { image: { ref: ${registry.host}/shop/app:1.2, ${login}, platforms: [linux/arm64] } }`,
      `  old: { image: { ref: "${registry.host}/shop/old@${docker.digest}", ${login} }, encryption: { recipients: [${recipient.trim()}], identity: { file: identity.txt } } }`,
      `  locked: { image: { ref: ${registry.host}/shop/app:1.2, username: nightjar, password: { file: wrong.txt } } }`,
      `  anybody: { image: { ref: ${registry.host}/shop/app:1.2 } }`,
      `  gone: { image: { ref: ${registry.host}/shop/app:9.9, ${login} } }`,
    ].join('\n'),
  );
}, limitMs);
afterAll(async () => {
  await rm(folder, { recursive: true });
  await skopeo.remove();
  await registry.stop();
});

async function run(...args: string[]): Promise<string> {
  const ended = await nightjarInProcess(args, { cwd: folder });
  expect([args, ended.code, ended.code === 0 || ended.stderr]).toEqual([args, 0, true]);
  return ended.stdout + ended.stderr;
}

async function refused(...args: string[]): Promise<string> {
  const ended = await nightjarInProcess(args, { cwd: folder });
  expect([args, ended.code]).not.toEqual([args, 0]);
  return ended.stderr + ended.stdout;
}

async function newestOf(source: string): Promise<Manifest> {
  const ids = (await readdir(join(folder, 'backups', source))).filter((name) => /^\d{8}/.test(name)).sort();
  return JSON.parse(await readFile(join(folder, 'backups', source, ids.at(-1)!, 'manifest.json'), 'utf8')) as Manifest;
}

const filesOfBlobs = ({ parts }: Manifest) => parts.filter(({ role }) => role === 'data').map(({ file }) => file);

/** Which files of the disk hold the blobs of a backup. */
function inodesOf({ id, parts }: Manifest): Promise<number[]> {
  const data = parts.filter(({ role }) => role === 'data');
  return Promise.all(data.map(async ({ file }) => (await stat(join(folder, 'backups/app', id, file))).ino));
}

const credentials = () => ['--creds', `${registry.login.username}:${registry.login.password}`, '--tls-verify=false'];
const rawDigest = async (place: string, ...options: string[]) =>
  sha256Of(await skopeo.run('inspect', '--raw', ...options, place));
const remote = (name: string) => `docker://${registry.host}/${name}`;

test('an image with its platforms: backed up, copied, verified, drilled, checked, by the commands that databases have', async () => {
  expect(await run('backup', 'app')).toContain('5 layers');
  expect(await run('verify', 'app')).toContain('intact');
  expect(await run('verify', 'app', '--vault', 'offsite')).toContain('intact');
  expect(await run('drill', 'app')).toContain('proven equal: 3 platforms, 5 layers, 4 definitions');
  expect(await readdir(join(folder, 'scratch'))).toEqual([]);
  expect(await run('check', 'app')).toMatch(/app +fresh/);
  expect(await run('show', 'app')).toContain('linux/arm64/v8');
});

test('each blob is stored once, as it is, under its digest', async () => {
  const { parts } = await newestOf('app');

  const layers = parts.flatMap(({ file, sha256 }) =>
    (/^data\/\d+\.([0-9a-f]{64})\.layer$/.exec(file) ?? []).slice(1).map((hex) => [hex, sha256]),
  );
  expect(layers).toHaveLength(3);
  for (const [name, sha256] of layers) expect(name).toBe(sha256);
});

test('a blob that the backup before has is not stored again, and outlives that', async () => {
  const before = await newestOf('app');

  expect(await run('backup', 'app')).toContain('5 layers');

  const after = await newestOf('app');
  expect(after.tables).toEqual(before.tables);
  expect(await inodesOf(after)).toEqual(await inodesOf(before));
  await run('remove', 'app', before.id, '--reason', 'to see what stays', '--yes');
  expect(await run('verify', 'app')).toContain('intact');
  expect(await run('drill', 'app')).toContain('proven equal: 3 platforms, 5 layers');
});

test('restored beside, under a tag of its own: the same digest, by the word of skopeo', async () => {
  const told = await run('restore', 'app');

  const [tag] = /1\.2_\d{8}_\d{6}/.exec(told) ?? [];
  expect(await rawDigest(remote(`shop/app:${tag}`), ...credentials())).toBe(index.digest);
});

test('pushed to another repository, where nothing of it was, skopeo copies all of it', async () => {
  await run('restore', 'app', '--to', `${registry.host}/copies/app:restored`);

  expect(await rawDigest(remote('copies/app:restored'), ...credentials())).toBe(index.digest);
  const there = join(folder, 'copied');
  await skopeo.run(
    'copy',
    '--all',
    '--src-creds',
    credentials()[1]!,
    '--src-tls-verify=false',
    remote('copies/app:restored'),
    `oci:${there}:x`,
  );
  expect(await readdir(join(there, 'blobs/sha256'))).toContain(arm.digest.replace('sha256:', ''));
});

test('as an OCI layout in a folder, which skopeo takes', async () => {
  const told = await run('restore', 'app', '--to', './layout');

  expect(told).toContain('proven equal: 3 platforms, 5 layers');
  const layout = `oci:${join(folder, 'layout')}`;
  expect(await rawDigest(layout)).toBe(index.digest);
  const inspected = JSON.parse(await skopeo.run('inspect', '--override-arch', 'amd64', layout)) as {
    Architecture: string;
    Layers: string[];
  };
  expect([inspected.Architecture, inspected.Layers.length]).toEqual(['amd64', 2]);
  await skopeo.run(
    'copy',
    '--all',
    '--dest-creds',
    credentials()[1]!,
    '--dest-tls-verify=false',
    layout,
    remote('copies/by-skopeo:1'),
  );
  expect((await fetchDocument(repository('copies/by-skopeo'), '1'))!.digest).toBe(index.digest);
  expect(await refused('restore', 'app', '--to', './layout')).toContain('is not empty');
  expect(await refused('restore', 'app', '--to', './layout', '--replace', '--yes')).toContain(
    'no folder is replaced by an image',
  );
});

test('what is under a tag is replaced when that is said, and kept under another', async () => {
  const to = repository('shop/app');
  const { json } = (await fetchDocument(to, '1.2'))!;
  const wrong = await pushDocument(to, { ...json, annotations: { pushed: 'by mistake' } }, ociTypes.index, '1.2');

  expect(await refused('restore', 'app', '--to', '1.2')).toContain(`it holds the image ${wrong.digest.slice(0, 19)}`);
  expect((await fetchDocument(to, '1.2'))!.digest).toBe(wrong.digest);
  const told = await run('restore', 'app', '--to', '1.2', '--replace', '--yes');

  expect((await fetchDocument(to, '1.2'))!.digest).toBe(index.digest);
  const [kept] = /1\.2\.before_[\w-]+/.exec(told) ?? [];
  expect((await fetchDocument(to, kept!))!.digest).toBe(wrong.digest);
});

test('some platforms alone, with what is attested of them', async () => {
  expect(await run('backup', 'arm')).toContain('some platforms are kept');

  await run('restore', 'arm', '--to', `${registry.host}/copies/arm:1`);

  const { manifests } = JSON.parse(await skopeo.run('inspect', '--raw', ...credentials(), remote('copies/arm:1'))) as {
    manifests: Described[];
  };
  expect(manifests.map(({ digest }) => digest)).toEqual([arm.digest, expect.any(String)]);
  expect(manifests[1]!['annotations']).toMatchObject({ 'vnd.docker.reference.digest': arm.digest });
});

test('an image of Docker’s own kind, by digest, encrypted: its digest is the same when it is back', async () => {
  await run('backup', 'old');
  const first = await newestOf('old');
  await run('backup', 'old');
  // a machine that can't read its blobs takes them over all the same
  expect(inCommon(await newestOf('old'), first)).toEqual(filesOfBlobs(first));

  await run('restore', 'old', '--to', `${registry.host}/copies/old:v7`);
  await run('restore', 'old', '--to', './old-layout');

  expect(await rawDigest(remote('copies/old:v7'), ...credentials())).toBe(docker.digest);
  expect(await rawDigest(`oci:${join(folder, 'old-layout')}`)).toBe(docker.digest);
});

test('the commands of the manifest make the layout without Nightjar', async () => {
  const { id, restore } = await newestOf('app');
  const processor = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const layer = await dbToolsLayer(processor, { rule: 'newer' }, () => {}, limit());
  const env = { LAYOUT: join(folder, 'by-hand'), PATH: `${layer}/nightjar/bin:/usr/bin:/bin` };

  await bash(restore.join('\n'), join(folder, 'backups/app', id), env);

  expect(await rawDigest(`oci:${join(folder, 'by-hand')}`)).toBe(index.digest);
});

test('a login that is wrong, or missing, is told without the password; so is an image that is not there', async () => {
  const wrong = await refused('backup', 'locked');
  expect(wrong).toContain('refuses the login of nightjar');
  expect(wrong).not.toContain('hunter22');
  expect(await refused('backup', 'anybody')).toContain('refuses a request without a login');
  expect(await refused('backup', 'gone')).toContain(`there is no image ${registry.host}/shop/app:9.9`);
});

test('a password is for the registry that it is of: another one is asked without', async () => {
  const other = await startRegistry();
  try {
    await run('restore', 'app', '--to', `${other.host}/shop/app:1`);
    expect((await fetchDocument({ url: other.url, repository: 'shop/app' }, '1'))!.digest).toBe(index.digest);
  } finally {
    await other.stop();
  }
});
