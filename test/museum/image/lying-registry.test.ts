import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startRegistry } from '../../servers/images/registry.ts';
import type { RegistryServer } from '../../servers/images/registry.ts';
import { pushImage } from '../../support/image/images.ts';
import { startLiar } from '../../support/image/liar.ts';
import type { Heard, Liar, Lie } from '../../support/image/liar.ts';
import { fetchDocument, ociTypes, pushBlob, pushDocument, sha256Of } from '../../support/image/pushing.ts';
import type { Described } from '../../support/image/pushing.ts';
import { imageScene } from '../../support/image/scene.ts';
import { limit } from '../../support/vaults/vault.ts';

// What registries, and what stands before them, do to who pulls: each either harms no backup, or makes none.

const layer = Buffer.alloc(600_000, 'the layer that everything is about ');
const layerDigest = sha256Of(layer);
let registry: RegistryServer;
let liar: Liar;
let elsewhere: Liar;
let top: Described;

beforeAll(async () => {
  registry = await startRegistry({ foreign: true });
  liar = await startLiar(registry.url);
  elsewhere = await startLiar(registry.url, 'localhost');
  top = await pushImage(real(), '1.2', { 'linux/amd64': [layer, 'small'], 'linux/arm64': ['other'] });
}, 300_000);
afterEach(() => {
  for (const one of [liar, elsewhere]) {
    one.lie = () => false;
    one.heard.length = 0;
  }
});
afterAll(async () => {
  await Promise.all([liar.stop(), elsewhere.stop()]);
  await registry.stop();
});

const real = () => ({ url: registry.url, repository: 'shop/app' });
const scene = (own = {}) => imageScene(`${liar.host}/shop/app:1.2`, own);
const isBlob = ({ method, path }: Heard) => method === 'GET' && path.endsWith(`/blobs/${layerDigest}`);
const isTag = ({ method, path }: Heard) => method === 'GET' && path.endsWith('/manifests/1.2');

/** Lies about what is asked for, so many times. */
function about(
  isMeant: (request: Heard) => boolean,
  lie: (answer: ServerResponse, request: Heard, time: number) => void,
  times = Infinity,
): Lie {
  let time = 0;
  return (request, answer) => {
    if (!isMeant(request) || time >= times) return false;
    time += 1;
    lie(answer, request, time);
    return true;
  };
}

function answering(status: number, headers: Record<string, string> = {}, body: Buffer | string = '') {
  return (answer: ServerResponse): void => void answer.writeHead(status, headers).end(body);
}

async function refused(own = {}) {
  const { backup, left } = scene(own);
  const error = (await backup().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as { code: string; message: string; hint: string };
  expect(await left()).toEqual([]);
  return error;
}

test('a blob with one bit flipped makes no backup, whatever the registry says of its digest', async () => {
  const flipped = Buffer.from(layer);
  flipped[300_000]! ^= 1;
  liar.lie = about(isBlob, answering(200, { 'docker-content-digest': layerDigest }, flipped));

  const { code, message } = await refused();

  expect(code).toBe('dump-cut');
  expect(message).toContain(`${layerDigest} has another digest`);
});

test('a blob that is longer than its manifest says makes no backup', async () => {
  liar.lie = about(isBlob, answering(200, {}, Buffer.concat([layer, layer])));

  expect(await refused()).toMatchObject({ code: 'dump-cut', message: expect.stringContaining('is larger than') });
});

/** Sends half of what it promised, and hangs up. */
function halfOf(answer: ServerResponse): void {
  answer.writeHead(200, { 'content-length': String(layer.length) });
  answer.write(layer.subarray(0, layer.length / 2), () => answer.destroy());
}

test('a blob that breaks off is gone on with where it broke', async () => {
  liar.lie = about(isBlob, halfOf, 1);
  const { backup, restore } = scene();

  const manifest = await backup();
  await restore(manifest, 'after-a-cut');

  const ranges = liar.heard.filter(isBlob).map(({ headers }) => headers['range']);
  expect(ranges[0]).toBeUndefined();
  expect(Number(/^bytes=(\d+)-$/.exec(ranges[1]!)![1])).toBeLessThanOrEqual(layer.length / 2);
  expect((await fetchDocument(real(), 'after-a-cut'))!.digest).toBe(top.digest);
});

test('a blob that breaks off each time makes no backup', async () => {
  liar.lie = about(isBlob, halfOf);

  expect(await refused()).toMatchObject({ code: 'dump-cut', message: expect.stringContaining('breaks off after') });
});

test('a blob that ends early without an error makes no backup', async () => {
  liar.lie = about(isBlob, (answer, { headers }) => {
    const status = headers['range'] === undefined ? 200 : 206;
    answer
      .writeHead(status, { 'transfer-encoding': 'chunked' })
      .end(status === 200 ? layer.subarray(0, 1000) : undefined);
  });

  expect(await refused()).toMatchObject({
    code: 'dump-cut',
    message: expect.stringContaining('breaks off after 1000'),
  });
});

test('a manifest that is not what its digest says makes no backup', async () => {
  liar.lie = about(
    ({ path }) => /manifests\/sha256:/.test(path),
    answering(200, { 'content-type': ociTypes.manifest }, '{}'),
  );

  expect(await refused()).toMatchObject({ code: 'dump-cut', message: expect.stringContaining('another digest') });
});

test('a manifest without end is given up on', async () => {
  liar.lie = about(isTag, answering(200, { 'content-type': ociTypes.index }, Buffer.alloc(5_000_000, ' ')));

  expect(await refused()).toMatchObject({
    code: 'source-unsupported',
    message: expect.stringContaining('is larger than'),
  });
});

test.each<[string, string, object, RegExp]>([
  [
    'of Docker before 2016',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    { schemaVersion: 1 },
    /can't be kept: application\/vnd.docker.distribution.manifest.v1/,
  ],
  [
    'that is two things',
    ociTypes.index,
    { schemaVersion: 2, mediaType: ociTypes.index, manifests: [], layers: [] },
    /an index and a manifest at once/,
  ],
  [
    'that says of itself another thing',
    ociTypes.index,
    { schemaVersion: 2, mediaType: ociTypes.manifest, layers: [] },
    /says of itself/,
  ],
  ['that is no JSON', ociTypes.index, [], /is no index of an image/],
])('a manifest %s is refused', async (_, mediaType, content, why) => {
  liar.lie = about(isTag, answering(200, { 'content-type': mediaType }, JSON.stringify(content)));

  expect(await refused()).toMatchObject({ code: 'source-unsupported', message: expect.stringMatching(why) });
});

test('a digest that would be a path is refused', async () => {
  const named = { mediaType: ociTypes.config, size: 2, digest: 'sha256:../../../../etc/passwd' };
  const manifest = { schemaVersion: 2, mediaType: ociTypes.manifest, config: named, layers: [] };
  liar.lie = about(isTag, answering(200, { 'content-type': ociTypes.manifest }, JSON.stringify(manifest)));

  expect(await refused()).toMatchObject({ code: 'source-unsupported', message: expect.stringContaining('no SHA-256') });
});

test('a tag that moves during the pull: the backup is of the image that it named, whole, and says so', async () => {
  const next = { 'linux/amd64': ['the next release'] };
  let moved: Described | undefined;
  liar.lie = async (request) => {
    if (moved === undefined && request.path.includes('/blobs/')) moved = await pushImage(real(), '1.2', next);
    return false;
  };
  const { backup, restore } = scene();

  const first = await backup();
  await restore(first, 'before-it-moved');
  const second = await backup();

  expect(first.warnings.join()).toContain(`is another image by now (${moved!.digest.slice(0, 19)})`);
  expect((await fetchDocument(real(), 'before-it-moved'))!.digest).toBe(top.digest);
  expect(second.warnings).toEqual([]);
  expect(second.tables.map(({ table, rows }) => [table, rows])).toEqual([['linux/amd64', 1]]);
  await pushImage(real(), '1.2', { 'linux/amd64': [layer, 'small'], 'linux/arm64': ['other'] });
});

test('a blob that is removed during the pull makes no backup, and says that it was', async () => {
  liar.lie = about(isBlob, answering(404, {}, '{"errors":[{"code":"BLOB_UNKNOWN"}]}'));

  expect(await refused()).toMatchObject({ code: 'source-changed', message: expect.stringContaining(layerDigest) });
});

test('a registry that has enough of us is asked again when it says so', async () => {
  liar.lie = about(({ path }) => path.includes('/blobs/'), answering(429, { 'retry-after': '0' }), 3);

  expect((await scene().backup()).tables).toHaveLength(2);
});

test('one that wants an hour of quiet is told of', async () => {
  liar.lie = about(
    isTag,
    answering(429, { 'retry-after': '3600' }, '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'),
  );

  const { code, message, hint } = await refused();

  expect([code, message]).toEqual(['source-unreachable', expect.stringContaining('429: TOOMANYREQUESTS: slow down')]);
  expect(hint).toContain('run it again later');
});

test('a registry that says nothing is given up as soon as somebody says so', async () => {
  liar.lie = () => true;
  const stop = new AbortController();
  const waiting = scene().backup(AbortSignal.any([stop.signal, limit()]));

  while (liar.heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();

  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
});

const login = { username: 'puller', password: 'hunter%22' };
const withLogin = { access: { plain: true, login } };
const basic = `Basic ${Buffer.from('puller:hunter%22').toString('base64')}`;

/** Wants a token for everything, and gives one to who logs in. */
function wantingTokens(realm: string): Lie {
  return ({ path, headers }, answer) => {
    if (path.startsWith('/token')) {
      if (headers.authorization !== basic) answering(401)(answer);
      else
        answering(
          200,
          {},
          JSON.stringify({ token: `for ${new URL(path, 'http://x').searchParams.get('scope')}`, expires_in: 8 }),
        )(answer);
      return true;
    }
    if (headers.authorization?.startsWith('Bearer for repository:shop/app:pull')) return false;
    answering(401, { 'www-authenticate': `Bearer realm="${realm}",service="registry"` })(answer);
    return true;
  };
}

test('a token is fetched where the registry says, with the login, which goes nowhere else', async () => {
  liar.lie = wantingTokens(`${liar.url}/token`);

  await scene(withLogin).backup();

  const withPassword = liar.heard.filter(({ headers }) => headers.authorization === basic);
  const asked = '/token?service=registry&scope=repository%3Ashop%2Fapp%3Apull';
  expect(new Set(withPassword.map(({ path }) => path))).toEqual(new Set([asked]));
});

test('a wrong login is told, without the password', async () => {
  liar.lie = wantingTokens(`${liar.url}/token`);

  const error = await refused({ access: { plain: true, login: { ...login, password: 'wrong-one' } } });

  expect(error).toMatchObject({
    code: 'source-unreachable',
    message: expect.stringContaining('refuses the login of puller'),
  });
  expect(JSON.stringify([error.message, error.hint, error])).not.toContain('wrong-one');
});

test('the password is not sent to another host without TLS, though the registry says that tokens are there', async () => {
  elsewhere.lie = wantingTokens(`${elsewhere.url}/token`);
  liar.lie = wantingTokens(`${elsewhere.url}/token`);

  expect(await refused(withLogin)).toMatchObject({ message: expect.stringContaining('without TLS') });
  expect(elsewhere.heard).toEqual([]);
});

test('a redirect to another host is followed without what is secret', async () => {
  liar.lie = (request, answer) => {
    if (request.headers.authorization === undefined)
      answering(401, { 'www-authenticate': 'Basic realm="registry"' })(answer);
    else if (request.method === 'GET' && request.path.includes('/blobs/'))
      answering(307, { location: `${elsewhere.url}${request.path}?signed=yes` })(answer);
    else return false;
    return true;
  };

  await scene(withLogin).backup();

  expect(elsewhere.heard.length).toBeGreaterThan(0);
  expect(elsewhere.heard.map(({ headers }) => headers.authorization)).toEqual(elsewhere.heard.map(() => undefined));
});

test('redirects without end are not followed without end', async () => {
  liar.lie = about(isBlob, (answer, { path }) => answering(307, { location: path })(answer));

  expect(await refused()).toMatchObject({ message: expect.stringContaining('without end') });
});

test('a platform that the image does not have makes no backup, and those that it has are named', async () => {
  expect(await refused({ platforms: ['linux/amd64', 'linux/s390x'] })).toMatchObject({
    code: 'source-unsupported',
    message: expect.stringContaining('has no image for linux/s390x: it has linux/amd64, linux/arm64'),
  });
});

test('a layer that only its publisher has is left out, and every proof excepts it', async () => {
  const to = { url: registry.url, repository: 'shop/windows' };
  const [config, own] = [
    await pushBlob(to, '{"os":"windows","architecture":"amd64"}', ociTypes.config),
    await pushBlob(to, 'own', ociTypes.layer),
  ];
  const urls = ['https://publisher.example/base'];
  const foreign = {
    mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
    size: 9,
    digest: sha256Of('not there'),
    urls,
  };
  const manifest = { schemaVersion: 2, mediaType: ociTypes.manifest, config, layers: [foreign, own] };
  const pushed = await pushDocument(to, manifest, ociTypes.manifest, 'v1');
  const { backup, restore } = imageScene(`${registry.host}/shop/windows:v1`);

  const stored = await backup();
  const { proof } = await restore(stored, 'again');

  expect(stored.exceptions).toEqual([
    expect.stringContaining(`layer ${foreign.digest} of windows/amd64 is in no registry, publisher.example keeps it`),
  ]);
  expect(stored.tables.map(({ rows }) => rows)).toEqual([1]);
  expect(proof).toMatchObject({ differences: [], exceptions: stored.exceptions });
  expect((await fetchDocument(to, 'again'))!.digest).toBe(pushed.digest);
});
