import { beforeAll, describe, expect, test } from '@jest/globals';
import { access, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { readElf } from '../../../layers/db-tools/elf/elf.ts';
import { readElfVersions } from '../../../layers/db-tools/elf/elf-versions.ts';
import { attempt } from '../../../layers/db-tools/debian/run.ts';
import { emptyRoot } from './empty-root.ts';
import { buildLimitMs, nativeArchitecture, openLayer, type Layer } from './native-layer.ts';

const kinds = ['x86_64', 'arm64'] as const;
const layers = new Map<string, Layer>();

beforeAll(async () => {
  for (const kind of kinds) layers.set(kind, await openLayer(kind));
}, buildLimitMs);

test('every program starts in an empty root that holds only the read-only layer, as an unknown user', async () => {
  const { programs } = layers.get(nativeArchitecture)!;
  const root = await emptyRoot(layers.get(nativeArchitecture)!);

  try {
    for (const program of programs) {
      const { status, output, complaint } = await root.run(program, ['--version']);
      expect({ program: program.path, status, complaint }).toEqual({ program: program.path, status: 0, complaint: '' });
      expect(output).toContain(program.version);
    }
    const { status, complaint } = await root.run(programs.find(({ name }) => name === 'zstd')!, [
      '-q',
      '-o',
      '/opt/nightjar/x',
      '/opt/nightjar/db-tools.json',
    ]);
    expect(status).not.toBe(0);
    expect(complaint).toMatch(/Read-only file system/);
  } finally {
    await root.remove();
  }
});

test('the scripts of the layer start the programs wherever it lies', async () => {
  const { home, programs } = layers.get(nativeArchitecture)!;

  for (const { argv0, version } of programs) {
    const { status, output } = await attempt([join(home, argv0), '--version'], {}, AbortSignal.timeout(10_000));
    expect(status).toBe(0);
    expect(output).toContain(version);
  }
});

describe.each(kinds)('the layer for %s', (kind) => {
  test('covers servers 13 to 18 with clients that are not older, and MariaDB', () => {
    const { programs } = layers.get(kind)!;
    const majors = (name: string): number[] => programs.filter((one) => one.name === name).map(({ major }) => major);

    for (const name of ['pg_dump', 'pg_restore', 'psql', 'pg_dumpall']) expect(majors(name)).toEqual([15, 17, 18]);
    for (const name of ['mariadb-dump', 'mariadb']) expect(majors(name)).toEqual([11]);
  });

  test('holds each library that a program, plugin or library in it asks for, in a version that has the symbols', async () => {
    const { home } = layers.get(kind)!;
    const files = await elfFiles(home);
    const library = (name: string): string => join(home, 'lib', name.startsWith('ld-linux') ? 'ld.so' : name);

    expect(files.length).toBeGreaterThan(40);
    for (const file of files) {
      const elf = (await readElf(file))!;
      expect({ file, machine: elf.machine }).toEqual({ file, machine: kind });
      for (const name of elf.needed) await access(library(name));
      for (const { from, version } of (await readElfVersions(file)).required) {
        expect((await readElfVersions(library(from))).offered).toContain(version);
      }
    }
    expect((await readElf(join(home, 'lib/ld.so')))?.soname).toMatch(/^ld-linux/);
  });

  test('says the truth in its index, stays under 60 MB and can be read by anybody', async () => {
    const { folder, home, programs } = layers.get(kind)!;
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });

    let total = 0;
    for (const entry of entries) {
      const { size, mode } = await stat(join(entry.parentPath, entry.name));
      if (entry.isFile()) total += size;
      expect(mode & 0o004).toBe(0o004);
    }
    expect(total).toBeLessThan(60_000_000);
    for (const { path, bytes } of programs) expect((await stat(join(home, path))).size).toBe(bytes);
    // the link is one for the whole tree, and suites that build layers of their own turn it to theirs meanwhile
    const link = join(import.meta.dirname, '../../../layers/db-tools/build', kind);
    let linked = await readlink(link);
    for (let tries = 0; tries < 50 && linked !== folder; tries += 1) {
      await openLayer(kind);
      linked = await readlink(link);
    }
    expect(linked).toBe(folder);
  });

  test('holds the authorities of RDS and of the public', async () => {
    const { home } = layers.get(kind)!;
    const authorities = async (file: string): Promise<X509Certificate[]> => {
      const blocks = (await readFile(join(home, 'certs', file), 'utf8')).match(
        /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
      );
      return (blocks ?? []).map((block) => new X509Certificate(block));
    };

    const rds = await authorities('rds-global-bundle.pem');
    // 107 are pinned; those of the newest regions come from AWS, where it is reached
    expect(rds.length).toBeGreaterThan(80);
    expect(rds.some(({ subject }) => subject.includes('Amazon RDS eu-central-1'))).toBe(true);
    expect((await authorities('public-ca.pem')).length).toBeGreaterThan(100);
  });
});

async function elfFiles(home: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !/\.(json|txt|pem)$/.test(basename(file)) && (await readElf(file))) found.push(file);
  }
  return found;
}
