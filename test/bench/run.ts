// npm run bench -- [--size-gb 3] [--runs 3] [--engine postgres,mariadb] [--store ceph|moto] [--parallel 2] [--level 1]
// [--only <words of a way>] [--skip-stages] npm run bench -- --cold-start [--runs 5]: how the functions of the cloud
// start; npm run bench -- --checks [--size-gb 0.2] [--runs 5]: what verify, proof and the members of extensions cost;
// npm run bench -- --restore [--size-gb 1]: how long it takes to get the data back;
// npm run bench -- --files [--nights 30] [--media-files 2000] [--media-kb 250]: nights of a media folder beside restic, and requests;
// npm run bench -- --only 'nightjar backup' --skip-stages: what encryption and signatures cost
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPackage, packedPackage } from '../../bin/container/modules.ts';
import type { Bytes } from '../../core/domain/units.ts';
import { formatBytes, formatDuration } from '../../core/domain/units.ts';
import { openTools } from '../../core/tools.ts';
import type { Tools } from '../../core/tools.ts';
import { dbToolsLayer } from '../../layers/db-tools/layer.ts';
import { temporaryFolder } from '../servers/folder.ts';
import { startCeph } from '../servers/s3/ceph.ts';
import { startMoto } from '../servers/s3/moto.ts';
import { s3Client } from '../servers/s3/client.ts';
import type { S3Server } from '../servers/server.ts';
import { checkCosts } from './checks.ts';
import { coldStarts } from './cold-start.ts';
import { measure } from './measure.ts';
import { nightsOfFiles } from './media/nights.ts';
import type { NightsSetting } from './media/nights.ts';
import { restoreCosts } from './restores.ts';
import { reportOf, type Run } from './report.ts';
import { dumpBytes, startWithStore } from './source.ts';
import { stageCosts } from './stages.ts';
import { waysOf, type EngineName, type Way } from './ways.ts';

const { values } = parseArgs({
  options: {
    'size-gb': { type: 'string', default: '3' },
    runs: { type: 'string', default: '3' },
    engine: { type: 'string', default: 'postgres,mariadb' },
    store: { type: 'string', default: 'ceph' },
    parallel: { type: 'string', default: '2' },
    level: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    'skip-stages': { type: 'boolean', default: false },
    'cold-start': { type: 'boolean', default: false },
    checks: { type: 'boolean', default: false },
    restore: { type: 'boolean', default: false },
    files: { type: 'boolean', default: false },
    nights: { type: 'string', default: '30' },
    'media-files': { type: 'string', default: '2000' },
    'media-kb': { type: 'string', default: '250' },
  },
});
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());

const say = (line: string): void => console.log(line);
const processor = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const layer = async () => openTools(await dbToolsLayer(processor, { rule: 'newer' }, say, stop.signal));
const folder = await temporaryFolder('bench');
say(
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${formatBytes(totalmem())} of memory, Node ${process.version}; servers, store and clients share them`,
);
try {
  if (values['cold-start']) say(await coldStarts(folder.path, Math.max(5, Number(values.runs)), stop.signal));
  else if (values.files) say(`\n${await nightsOfFiles(media(await installed()), say, stop.signal)}`);
  else {
    const [tools, nightjar] = [await layer(), await installed()];
    for (const engine of values.engine.split(',') as EngineName[]) await bench(engine, tools, nightjar);
  }
} finally {
  await folder.remove();
}

/** What people install: a few files in the place of hundreds, which Node reads sooner. */
async function installed(): Promise<string> {
  const place = join(folder.path, 'nightjar');
  await installPackage(await packedPackage(folder.path, stop.signal), place, stop.signal);
  return join(place, 'bin/nightjar');
}

function media(nightjar: string): NightsSetting {
  const [files, meanKb, nights] = [values['media-files'], values['media-kb'], values.nights].map(Number);
  return { nightjar, folder: folder.path, files: files!, meanKb: meanKb!, nights: nights! };
}

async function bench(engine: EngineName, tools: Tools, nightjar: string): Promise<void> {
  const start = performance.now();
  const server = await startWithStore(engine, Number(values['size-gb']) * 1000, stop.signal);
  try {
    const bytes = await dumpBytes(engine, server, tools, stop.signal);
    say(
      `\n## ${engine}: ${server.version}, a plain dump of ${formatBytes(bytes)}, made in ${formatDuration(performance.now() - start)}; into ${values.store}`,
    );
    if (values.checks) return say(`\n${await checkCosts(engine, { tools, server }, Number(values.runs), stop.signal)}`);
    const setting = {
      tools,
      server,
      folder: folder.path,
      nightjar,
      parallel: Number(values.parallel),
      level: Number(values.level),
    };
    if (values.restore)
      return await withStore(async (store) =>
        say(`\n${await restoreCosts(engine, { ...setting, store }, Number(values.runs), say, stop.signal)}`),
      );
    const ways = waysOf(engine, setting).filter(({ name }) => name.includes(values.only));
    const runs: Run[] = [];
    for (let round = 0; round < Number(values.runs); round += 1) runs.push(...(await oneRound(turned(ways, round))));
    const order = ways.map(({ name }) => name);
    say(
      `\n${reportOf(
        runs.sort((a, b) => order.indexOf(a.way) - order.indexOf(b.way)),
        bytes,
      )}`,
    );
    if (!values['skip-stages'])
      say(`\n${await withStore((store) => stageCosts(engine, { server, tools, store }, stop.signal))}`);
  } finally {
    await server.stop();
  }
}

/** Every way once, into a store of its own: what one leaves behind burdens no other round. */
async function oneRound(ways: readonly Way[]): Promise<Run[]> {
  return withStore(async (store) => {
    const runs: Run[] = [];
    let stored = 0;
    for (const way of ways) {
      const cost = await measure(await way.command(store), stop.signal);
      const now = await bytesIn(store);
      const run = { way: way.name, ...cost, storedBytes: way.stores ? now - stored : 0 };
      stored = now;
      say(
        `  ${way.name.padEnd(26)} ${(run.wallMs / 1000).toFixed(1).padStart(6)} s, CPU ${(run.cpuMs / 1000).toFixed(1).padStart(6)} s, ${formatBytes(run.peakBytes)} of memory, ${formatBytes(run.storedBytes)} stored`,
      );
      runs.push(run);
    }
    return runs;
  });
}

async function withStore<T>(use: (store: S3Server) => Promise<T>): Promise<T> {
  const store = await (values.store === 'moto' ? startMoto() : startCeph());
  try {
    await store.createBucket('bench');
    return await use(store);
  } finally {
    await store.stop();
  }
}

async function bytesIn(store: S3Server): Promise<Bytes> {
  const client = s3Client(store);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'bench' }));
  client.destroy();
  return Contents.reduce((sum, { Size = 0 }) => sum + Size, 0);
}

function turned<T>(list: readonly T[], by: number): T[] {
  return list.map((_, index) => list[(index + by) % list.length]!);
}
