import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import Table from 'cli-table3';
import { isBackupError, messageOf } from '../../core/domain/errors.ts';
import { formatBytes, plural } from '../../core/domain/units.ts';
import { lackingLine } from './certificates.ts';
import { debianNames, type LayerArchitecture } from './contents.ts';
import { dbToolsLayer, pinRule } from './layer.ts';
import { readLock, shippedLock } from './lock.ts';
import { updateLock } from './debian/update.ts';

type Index = {
  programs: {
    name: string;
    product: string;
    version: string;
    bytes: number;
    package: string;
    packageVersion: string;
  }[];
};

const usage = 'npm run layer -- [--arch x86_64|arm64|all] [--update]';
const compress = promisify(deflateRaw);
const zipEntryBytes = 76;

process.exitCode = await main().then(
  () => 0,
  (error: unknown) => {
    console.error(`${messageOf(error)}${isBackupError(error) && error.hint ? `\n${error.hint}` : ''}`);
    return 1;
  },
);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { arch: { type: 'string' }, update: { type: 'boolean', default: false } } });
  const all = Object.keys(debianNames) as LayerArchitecture[];
  const wanted = values.arch ?? (process.arch === 'arm64' ? 'arm64' : 'x86_64');
  const chosen = all.filter((name) => wanted === 'all' || wanted === name);
  if (chosen.length === 0) throw new Error(`no such architecture: ${wanted}\n${usage}`);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const report = (line: string): void => console.log(line);
  if (values.update)
    await updateLock(await readLock(shippedLock), shippedLock, { report, now: new Date() }, stop.signal);
  for (const architecture of chosen) {
    const layer = await dbToolsLayer(architecture, { rule: pinRule(process.env) }, report, stop.signal);
    await show(architecture, layer);
    report((await lackingLine(layer, stop.signal)) ?? 'it has all authorities of Amazon RDS that are pinned');
  }
}

async function show(architecture: LayerArchitecture, layer: string): Promise<void> {
  const home = join(layer, 'nightjar');
  const { programs } = JSON.parse(await readFile(join(home, 'db-tools.json'), 'utf8')) as Index;
  const table = new Table({
    head: ['program', 'product', 'version', 'size', 'Debian package'],
    colAligns: ['left', 'left', 'left', 'right', 'left'],
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    style: { head: [], border: [] },
  });
  for (const one of programs)
    table.push([one.name, one.product, one.version, formatBytes(one.bytes), `${one.package} ${one.packageVersion}`]);
  const { files, unzipped, zipped } = await sizes(layer);
  console.log(`\n${table.toString()}`);
  console.log(
    `${architecture}: ${plural(files, 'file')}, ${formatBytes(unzipped)} unzipped, ${formatBytes(zipped)} zipped`,
  );
  console.log(`bill of materials: ${join(home, 'sbom.spdx.json')}`);
}

/** Sizes on disk and as a zip file, whose entries are deflated one by one. */
async function sizes(layer: string): Promise<{ files: number; unzipped: number; zipped: number }> {
  const total = { files: 0, unzipped: 0, zipped: 0 };
  for (const entry of await readdir(layer, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    total.files += 1;
    total.unzipped += content.length;
    total.zipped += (await compress(content)).length + zipEntryBytes + 2 * (path.length - layer.length);
  }
  return total;
}
