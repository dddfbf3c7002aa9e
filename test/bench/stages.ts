import { createHash } from 'node:crypto';
import { objectKey } from '../../core/domain/keys.ts';
import { mariadbReader } from '../../core/pipeline/rows/mariadb.ts';
import { postgresReader } from '../../core/pipeline/rows/postgres.ts';
import { compress } from '../../core/pipeline/zstd.ts';
import type { ByteStream } from '../../core/ports.ts';
import type { Tools } from '../../core/tools.ts';
import { crc32c } from '../../core/vaults/s3/upload/crc32c.ts';
import { s3Client } from '../../core/vaults/s3/client.ts';
import { s3Vault } from '../../core/vaults/s3/s3.ts';
import type { DatabaseServer, S3Server } from '../servers/server.ts';
import { plainDump } from './source.ts';
import type { EngineName } from './ways.ts';

type Setting = { server: DatabaseServer; tools: Tools; store: S3Server };
type Stage = { name: string; work(chunks: readonly Uint8Array[], signal: AbortSignal): Promise<unknown> };

const sampleBytes = 128 * 1024 * 1024;
const chunkBytes = 64 * 1024;
const repeats = 3;

/**
 * What each stage costs alone, on the first 128 MiB of the dump from memory: the median of three. CPU is of this
 * process, all threads.
 */
export async function stageCosts(engine: EngineName, setting: Setting, signal: AbortSignal): Promise<string> {
  const chunks = await sample(plainDump(engine, setting.server, setting.tools, signal));
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const rows: { name: string; wallMs: number; cpuMs: number }[] = [];
  for (const { name, work } of stages(engine, setting))
    rows.push({ name, ...(await timed(() => work(chunks, signal))) });
  const line = ({ name, wallMs, cpuMs }: { name: string; wallMs: number; cpuMs: number }) =>
    `| ${name} | ${Math.round(size / 1e3 / wallMs)} | ${(cpuMs / (size / 1e9) / 1000).toFixed(2)} |`;
  return ['| stage alone | MB/s of dump | CPU s for 1 GB of dump |', '| --- | --- | --- |', ...rows.map(line)].join(
    '\n',
  );
}

function stages(engine: EngineName, { server, tools, store }: Setting): Stage[] {
  const reader = engine === 'postgres' ? postgresReader : mariadbReader;
  const each = (use: (chunk: Uint8Array) => unknown) => async (chunks: readonly Uint8Array[]) => chunks.forEach(use);
  let packed: Uint8Array[] = [];
  return [
    {
      name: 'through a pipe from the dump program',
      work: (_, signal) => pass(plainDump(engine, server, tools, signal)),
    },
    {
      name: 'rows and fingerprint',
      work: async (chunks) => {
        const reading = reader();
        for (const chunk of chunks) reading.write(chunk);
        return reading.end();
      },
    },
    {
      name: 'SHA-256 of the plain text (not done)',
      work: async (chunks) => {
        const hash = createHash('sha256');
        for (const chunk of chunks) hash.update(chunk);
        return hash.digest();
      },
    },
    ...[-3, 3, 2, 1].map(
      (level): Stage => ({
        name: `zstd:${level}, with its checksum`,
        work: async (chunks) => {
          packed = inOne(await Array.fromAsync(compress(stream(chunks), level)));
        },
      }),
    ),
    {
      name: 'SHA-256 of what zstd:1 made',
      work: async () => packed.reduce((hash, chunk) => hash.update(chunk), createHash('sha256')).digest(),
    },
    { name: 'CRC-32C of what zstd:1 made', work: () => each((chunk) => crc32c(chunk))(packed) },
    { name: 'upload of what zstd:1 made, its CRC-32C included', work: (_, signal) => upload(packed, store, signal) },
  ];
}

async function upload(
  chunks: readonly Uint8Array[],
  { endpoint, region, accessKeyId, secretAccessKey }: S3Server,
  signal: AbortSignal,
): Promise<void> {
  const client = s3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  await s3Vault({ client, bucket: 'bench', prefix: '' }).put(objectKey('stage'), stream(chunks), {}, signal);
  client.destroy();
}

async function pass(dump: ByteStream): Promise<void> {
  let bytes = 0;
  for await (const chunk of dump) if ((bytes += chunk.length) >= sampleBytes) return;
}

/** Thousands of buffers may make the collector of garbage work more than it does in a backup, which holds few. */
function inOne(chunks: readonly Uint8Array[]): Uint8Array[] {
  const all = Buffer.concat(chunks);
  return Array.from({ length: Math.ceil(all.length / chunkBytes) }, (_, index) =>
    all.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
}

async function* stream(chunks: readonly Uint8Array[]): ByteStream {
  yield* chunks;
}

async function sample(dump: ByteStream): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of dump) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= sampleBytes) break;
  }
  return inOne(chunks);
}

async function timed(work: () => Promise<unknown>): Promise<{ wallMs: number; cpuMs: number }> {
  const runs = [];
  for (let run = 0; run < repeats; run += 1) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await work();
    const { user, system } = process.cpuUsage(cpu);
    runs.push({ wallMs: performance.now() - start, cpuMs: (user + system) / 1000 });
  }
  return runs.sort((a, b) => a.wallMs - b.wallMs)[Math.floor(repeats / 2)]!;
}
