import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { manifestSchema } from '../../../core/contract/manifest/manifest.ts';
import { newBackupId } from '../../../core/domain/keys.ts';

/**
 * Answers as S3 does (ListObjectsV2, GET, PUT with conditions; S3 API Reference) for a bucket of so many sources, each
 * with so many daily backups until now, without holding them: pages and manifests are made when they are asked for.
 * Small objects that are written are kept. `/count` tells how many requests there were.
 */
const [sources = 0, backups = 0, newest = 0] = process.argv.slice(2).map(Number);
/**
 * Objects that were written. With a fourth argument every source has the ledger of that file already: it says nothing
 * that is not the same in all of them.
 */
const written = new Map<string, { body: Buffer; etag: string; modified: string }>();
const common = process.argv[5] === undefined ? undefined : readFileSync(process.argv[5]);
const dataParts = 3;
const startRecords = 32;
let counts: Record<string, number> = {};

const startOf = (index: number): Date => new Date(newest - (backups - 1 - index) * 86_400_000);
const ids = Array.from({ length: backups }, (_, index) => newBackupId(startOf(index), 0.5));
const nameOf = (source: number): string => `source-${String(source).padStart(5, '0')}`;
const files = [
  'catalog.json.zst',
  ...Array.from({ length: dataParts }, (_, index) => `data/000${index + 1}.sql.zst`),
  'manifest.json',
  'schema.pgdump',
];
const inSource = [
  ...ids.flatMap((id) => files.map((file) => `${id}/${file}`)),
  ...Array.from(
    { length: startRecords },
    (_, index) => `starts/${ids[ids.length - 1 - index] ?? ids[0]}-4f2a91c0-20261120T020000Z.json`,
  ).sort(),
];

function manifestOf(source: string, index: number): Buffer {
  const start = startOf(index);
  const parts = files
    .filter((file) => file !== 'manifest.json')
    .map((file) => ({
      role: file.startsWith('data') ? 'data' : file.startsWith('schema') ? 'schema' : 'catalog',
      file,
      bytes: 5_000_000,
      storedBytes: 1_000_000,
      sha256: '0'.repeat(64),
    }));
  const tables = Array.from({ length: 40 }, (_, table) => ({
    table: `public.table_${'abcdefghij'[table % 10]}${'klmnopqrst'[Math.floor(table / 10)]}`,
    columns: '(id, item, at)',
    rows: 1000 * table + index,
    fingerprint: '0'.repeat(16),
  }));
  return Buffer.from(
    JSON.stringify(
      manifestSchema.parse({
        format: 1,
        id: ids[index],
        source,
        engine: 'postgres',
        database: 'shop',
        server: { product: 'PostgreSQL', version: '18.1', identity: '7' },
        client: { program: 'pg_dump', version: '18.1' },
        nightjar: 'test',
        run: 'test',
        start: start.toISOString(),
        end: new Date(start.getTime() + 60_000).toISOString(),
        timeZone: 'UTC',
        tiers: ['last'],
        compression: { method: 'zstd', level: 1 },
        encryption: null,
        parts,
        tables,
        sequences: {},
        objects: {},
        warnings: [],
        restore: [],
      }),
    ),
  );
}

const manifestBytes = ids.map((_, index) => manifestOf(nameOf(0), index).length);

function* keysFrom(after: string): Generator<{ key: string; bytes: number; modified: string }> {
  for (const top of ['alerts.json', 'ledger.json'])
    if (written.has(top) && top > after)
      yield { key: top, bytes: written.get(top)!.body.length, modified: written.get(top)!.modified };
  for (
    let source = Math.max(0, after.startsWith('source-') ? Number(after.slice(7, 12)) : 0);
    source < sources;
    source += 1
  ) {
    const name = nameOf(source);
    const ledger = `${name}/ledger.json`;
    const keys = written.has(ledger)
      ? [...inSource.slice(0, -startRecords), 'ledger.json', ...inSource.slice(-startRecords)]
      : inSource;
    for (const file of keys) {
      const key = `${name}/${file}`;
      if (key <= after) continue;
      const [id = '', path = ''] = [file.slice(0, 23), file.slice(24)];
      const index = ids.indexOf(id as (typeof ids)[number]);
      const own = written.get(key);
      yield {
        key,
        bytes: own?.body.length ?? (path === 'manifest.json' ? manifestBytes[index]! : 1_000_000),
        modified: own?.modified ?? startOf(Math.max(0, index)).toISOString(),
      };
    }
  }
}

function listing(prefix: string, after: string): string {
  const page: string[] = [];
  let last = '';
  let more = false;
  for (const { key, bytes, modified } of keysFrom(after)) {
    if (!key.startsWith(prefix)) continue;
    if (page.length === 1000) {
      more = true;
      break;
    }
    page.push(
      `<Contents><Key>${key}</Key><LastModified>${modified}</LastModified><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>${bytes}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
    );
    last = key;
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>vault</Name><Prefix>${prefix}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${last}</NextContinuationToken>` : ''}${page.join('')}</ListBucketResult>`;
}

function bodyOf(key: string): { body: Buffer; etag: string } | undefined {
  const own = written.get(key);
  const [source = '', id = '', file] = key.split('/');
  const index = ids.indexOf(id as (typeof ids)[number]);
  return own ?? (file === 'manifest.json' && index >= 0 ? { body: manifestOf(source, index), etag: '"m"' } : undefined);
}

if (common !== undefined)
  for (let source = 0; source < sources; source += 1)
    written.set(`${nameOf(source)}/ledger.json`, {
      body: common,
      etag: '"common"',
      modified: new Date(newest).toISOString(),
    });

createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const key = decodeURIComponent(url.pathname).replace(/^\/vault\/?/, '');
  if (url.pathname === '/count') return void response.end(JSON.stringify(counts), () => void (counts = {}));
  const kind = url.searchParams.has('list-type')
    ? 'LIST'
    : url.searchParams.has('tagging')
      ? 'TAGS'
      : (request.method ?? '');
  counts[kind] = (counts[kind] ?? 0) + 1;
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
  if (kind === 'LIST')
    return void response.end(
      listing(url.searchParams.get('prefix') ?? '', url.searchParams.get('continuation-token') ?? ''),
    );
  if (kind === 'TAGS') return void response.end('<Tagging><TagSet></TagSet></Tagging>');
  const found = bodyOf(key);
  if (request.method === 'PUT') {
    const isRefused =
      request.headers['if-none-match'] === '*' ? found !== undefined : request.headers['if-match'] !== found?.etag;
    if (isRefused) return void response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>');
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    written.set(key, { body, etag, modified: new Date(newest).toISOString() });
    return void response.writeHead(200, { etag }).end();
  }
  if (found === undefined) return void response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
  response.writeHead(200, { etag: found.etag, 'content-length': found.body.length }).end(found.body);
}).listen(0, '127.0.0.1', function (this: import('node:net').Server | void) {
  process.stdout.write(`${JSON.stringify((this as import('node:net').Server).address())}\n`);
});
