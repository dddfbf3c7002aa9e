import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'hash-wasm';
import { s3Client } from '../../../core/vaults/s3/client.ts';
import type { S3ClientOptions } from '../../../core/vaults/s3/client.ts';

type Tags = Record<string, string>;
type Kept = { body: Buffer; etag: string; tags: Tags; crc?: string | undefined; until?: string; hold?: string };
type Upload = { key: string; tags: Tags; parts: Map<number, { body: Buffer; etag: string }> };
export type Asked = {
  method: string;
  key: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
};
/** `cut`: so many bytes of the body arrive, and the connection breaks. `lengthless`: it is not said how many there are. */
export type Answer = {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
  cut?: number;
  lengthless?: true;
};
/** What is answered in place of what the store says: `lost` once it is carried out, the connection breaks. */
export type Spoil = (asked: Asked, usual: () => Promise<Answer>) => Promise<Answer | 'lost'> | Answer | 'lost';

const polynomial = 0x82f63b78;
const began = '2026-11-20T02:00:00.000Z';

/**
 * An S3 store in this process, as the API reference says (conditions, checksums, parts, pages, tags, locks), with one
 * bucket: for suites that judge the adapter without a server of its own.
 */
export async function s3Store({ bucket = 'acme-backups', pageSize = 3 } = {}) {
  const objects = new Map<string, Kept>();
  const uploads = new Map<string, Upload>();
  const asked: Asked[] = [];
  const state: { spoil: Spoil | undefined } = { spoil: undefined };

  async function answer(one: Asked, at: string): Promise<Answer> {
    if (at !== bucket) return failed(404, 'NoSuchBucket');
    if (one.key === '') return one.query.has('uploads') ? listUploads(one) : list(one);
    const upload = one.query.get('uploadId');
    if (one.method === 'POST') return upload === null ? begin(one) : complete(one, upload);
    if (upload !== null) return one.method === 'DELETE' ? abort(upload) : putPart(one, upload);
    const kept = objects.get(one.key);
    if (one.method === 'PUT' && !['tagging', 'legal-hold', 'retention'].some((what) => one.query.has(what)))
      return put(one, kept);
    if (one.method === 'DELETE') {
      objects.delete(one.key);
      return { status: 204 };
    }
    if (kept === undefined) return failed(404, 'NoSuchKey');
    if (one.method === 'PUT') return change(one, kept);
    return one.query.has('tagging') ? { body: tagging(kept.tags) } : read(one, kept);
  }

  function list({ query }: Asked): Answer {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? '';
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, pageSize);
    const contents = page.map(
      (key) =>
        `<Contents><Key>${escaped(key)}</Key><Size>${objects.get(key)!.body.length}</Size><LastModified>${began}</LastModified></Contents>`,
    );
    const more = keys.length > page.length;
    const next = more ? `<NextContinuationToken>${escaped(page.at(-1)!)}</NextContinuationToken>` : '';
    return {
      body: `<ListBucketResult><Name>${bucket}</Name><Prefix>${escaped(prefix)}</Prefix><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
    };
  }

  function listUploads({ query }: Asked): Answer {
    const prefix = query.get('prefix') ?? '';
    const [key, id] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? ''];
    const all = [...uploads]
      .map(([name, upload]) => ({ id: name, key: upload.key }))
      .filter((one) => one.key.startsWith(prefix) && (one.key > key || (one.key === key && one.id > id)))
      .sort((a, b) => (a.key < b.key || (a.key === b.key && a.id < b.id) ? -1 : 1));
    const page = all.slice(0, pageSize);
    const more = all.length > page.length;
    const last = page.at(-1);
    const next = more
      ? `<NextKeyMarker>${escaped(last!.key)}</NextKeyMarker><NextUploadIdMarker>${last!.id}</NextUploadIdMarker>`
      : '';
    const named = page.map(
      (one) =>
        `<Upload><Key>${escaped(one.key)}</Key><UploadId>${one.id}</UploadId><Initiated>${began}</Initiated></Upload>`,
    );
    return {
      body: `<ListMultipartUploadsResult><Bucket>${bucket}</Bucket><Prefix>${escaped(prefix)}</Prefix><IsTruncated>${more}</IsTruncated>${next}${named.join('')}</ListMultipartUploadsResult>`,
    };
  }

  async function put({ key, headers, body }: Asked, kept: Kept | undefined): Promise<Answer> {
    if (headers['if-none-match'] === '*' && kept !== undefined) return failed(412, 'PreconditionFailed');
    const match = headers['if-match'];
    if (match !== undefined && kept === undefined) return failed(404, 'NoSuchKey');
    if (match !== undefined && match.replaceAll('"', '') !== kept!.etag.replaceAll('"', ''))
      return failed(412, 'PreconditionFailed');
    const crc = headers['x-amz-checksum-crc32c'] as string | undefined;
    if (!(await isWhole(headers, body))) return failed(400, 'BadDigest');
    const etag = `"${md5(body).toString('hex')}"`;
    objects.set(key, { body, etag, crc, tags: tagsIn(headers) });
    return { headers: { etag } };
  }

  function begin({ key, headers }: Asked): Answer {
    const id = `upload-${String(uploads.size + asked.length).padStart(6, '0')}`;
    uploads.set(id, { key, tags: tagsIn(headers), parts: new Map() });
    return {
      body: `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    };
  }

  async function putPart({ query, headers, body }: Asked, id: string): Promise<Answer> {
    const upload = uploads.get(id);
    if (upload === undefined) return failed(404, 'NoSuchUpload');
    if (!(await isWhole(headers, body))) return failed(400, 'BadDigest');
    const etag = `"${md5(body).toString('hex')}"`;
    upload.parts.set(Number(query.get('partNumber')), { body, etag });
    const crc = headers['x-amz-checksum-crc32c'] as string | undefined;
    return { headers: { etag, ...(crc !== undefined && { 'x-amz-checksum-crc32c': crc }) } };
  }

  async function complete({ key, headers, body }: Asked, id: string): Promise<Answer> {
    const upload = uploads.get(id);
    if (upload === undefined) return failed(404, 'NoSuchUpload');
    if (headers['if-none-match'] === '*' && objects.has(key)) return failed(412, 'PreconditionFailed');
    const named = [...body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
      number: Number(within(part, 'PartNumber')),
      etag: unescaped(within(part, 'ETag')),
    }));
    const parts = named.map(({ number }) => upload.parts.get(number));
    if (named.some(({ etag }, at) => parts[at]?.etag !== etag)) return failed(400, 'InvalidPart');
    const whole = Buffer.concat(parts.map((part) => part!.body));
    const crc = headers['x-amz-checksum-crc32c'] as string | undefined;
    if (crc !== undefined && crc !== (await crc32cOf(whole))) return failed(400, 'BadDigest');
    const size = headers['x-amz-mp-object-size'];
    if (size !== undefined && Number(size) !== whole.length) return failed(400, 'InvalidRequest');
    const sums = Buffer.concat(parts.map((part) => md5(part!.body)));
    const etag = `"${md5(sums).toString('hex')}-${parts.length}"`;
    objects.set(key, { body: whole, etag, crc, tags: upload.tags });
    uploads.delete(id);
    return { body: `<CompleteMultipartUploadResult><ETag>${escaped(etag)}</ETag></CompleteMultipartUploadResult>` };
  }

  function abort(id: string): Answer {
    return uploads.delete(id) ? { status: 204 } : failed(404, 'NoSuchUpload');
  }

  return {
    bucket,
    objects,
    uploads,
    asked,
    state,
    ...(await serving(async (one, at) => {
      asked.push(one);
      const usual = () => answer(one, at);
      return state.spoil === undefined ? usual() : state.spoil(one, usual);
    })),
  };
}

export type S3Store = Awaited<ReturnType<typeof s3Store>>;

async function serving(answer: (asked: Asked, bucket: string) => Promise<Answer | 'lost'>) {
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const { pathname, searchParams } = new URL(request.url!, 'http://store');
    const [, bucket = '', ...rest] = pathname.split('/').map(decodeURIComponent);
    const { method = '', headers } = request;
    const said = await answer({ method, key: rest.join('/'), query: searchParams, headers, body }, bucket);
    if (said === 'lost') return void request.socket.destroy();
    const bytes = Buffer.from(said.body ?? '');
    const length = said.lengthless ? {} : { 'content-length': bytes.length };
    response.writeHead(said.status ?? 200, { ...length, ...said.headers });
    if (said.cut !== undefined) return void response.write(bytes.subarray(0, said.cut), () => request.socket.destroy());
    response.end(method === 'HEAD' ? undefined : bytes);
  }
  // whoever asks may go away
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };
  return {
    endpoint,
    client: (options: S3ClientOptions = {}) => s3Client({ endpoint, region: 'eu-west-1', credentials, ...options }),
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((done) => server.close(() => done()));
    },
  };
}

/** Tags, a hold or a lock in the place of what an object has. */
function change({ query, body }: Asked, kept: Kept): Answer {
  const document = body.toString();
  if (query.has('legal-hold')) kept.hold = within(document, 'Status');
  else if (query.has('retention')) kept.until = `${within(document, 'Mode')} ${within(document, 'RetainUntilDate')}`;
  else
    kept.tags = Object.fromEntries(
      [...document.matchAll(/<Tag>(.*?)<\/Tag>/gs)].map(([, tag = '']) => [
        unescaped(within(tag, 'Key')),
        unescaped(within(tag, 'Value')),
      ]),
    );
  return {};
}

function read({ method, headers }: Asked, { body, etag, crc, tags, until, hold }: Kept): Answer {
  if (headers['if-match'] !== undefined && headers['if-match'] !== etag) return failed(412, 'PreconditionFailed');
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  const count = Object.keys(tags).length;
  const found = {
    etag,
    'last-modified': new Date(began).toUTCString(),
    ...(headers['x-amz-checksum-mode'] === 'ENABLED' && crc !== undefined && { 'x-amz-checksum-crc32c': crc }),
    ...(count > 0 && { 'x-amz-tagging-count': String(count) }),
    ...(until !== undefined && { 'x-amz-object-lock-retain-until-date': until.split(' ')[1]! }),
    ...(hold !== undefined && { 'x-amz-object-lock-legal-hold': hold }),
  };
  const rest = body.subarray(from);
  return method === 'HEAD'
    ? { headers: { ...found, 'content-length': String(body.length) } }
    : { status: from === 0 ? 200 : 206, headers: found, body: rest };
}

export function failed(status: number, code: string): Answer {
  return { status, body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>` };
}

async function isWhole(headers: IncomingMessage['headers'], body: Buffer): Promise<boolean> {
  const crc = headers['x-amz-checksum-crc32c'];
  const sum = headers['content-md5'];
  return (
    (crc === undefined || crc === (await crc32cOf(body))) && (sum === undefined || sum === md5(body).toString('base64'))
  );
}

async function crc32cOf(body: Buffer): Promise<string> {
  return Buffer.from(await crc32(body, polynomial), 'hex').toString('base64');
}

function md5(body: Buffer): Buffer {
  return createHash('md5').update(body).digest();
}

function tagsIn(headers: IncomingMessage['headers']): Tags {
  return Object.fromEntries(new URLSearchParams((headers['x-amz-tagging'] as string | undefined) ?? ''));
}

function tagging(tags: Tags): string {
  const set = Object.entries(tags).map(
    ([key, value]) => `<Tag><Key>${escaped(key)}</Key><Value>${escaped(value)}</Value></Tag>`,
  );
  return `<Tagging><TagSet>${set.join('')}</TagSet></Tagging>`;
}

function within(document: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(document)?.[1] ?? '';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function unescaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
}
