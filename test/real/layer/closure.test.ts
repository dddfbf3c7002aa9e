import { expect, test } from '@jest/globals';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closureOf } from '../../../layers/db-tools/elf/closure.ts';
import { buildLimitMs, nativeArchitecture, openLayer } from './native-layer.ts';

const triplet = nativeArchitecture === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
const loader = nativeArchitecture === 'arm64' ? 'lib/ld-linux-aarch64.so.1' : 'lib64/ld-linux-x86-64.so.2';

async function rootWith(libraries: Record<string, string>): Promise<{ root: string; program: string }> {
  const { home } = await openLayer(nativeArchitecture);
  const root = await mkdtemp(join(tmpdir(), 'nightjar-closure-'));
  await mkdir(join(root, 'usr/lib', triplet), { recursive: true });
  await mkdir(join(root, loader, '..'), { recursive: true });
  await copyFile(join(home, 'lib/ld.so'), join(root, loader));
  for (const [name, from] of Object.entries(libraries))
    await copyFile(join(home, 'lib', from), join(root, 'usr/lib', triplet, name));
  const program = join(root, 'zstd');
  await copyFile(join(home, 'zstd/program/zstd'), program);
  return { root, program };
}

test(
  'a library that no package has is named with who needs it',
  async () => {
    const { root, program } = await rootWith({ 'libc.so.6': 'libc.so.6' });

    await expect(closureOf(root, [program], nativeArchitecture)).rejects.toMatchObject({
      code: 'tools-missing',
      message: expect.stringMatching(/zstd needs libz\.so\.1, which no package has/),
    });
    await rm(root, { recursive: true });
  },
  buildLimitMs,
);

test(
  'a library that lacks a symbol version which is asked of it is named too',
  async () => {
    const names = [
      'libz.so.1',
      'liblzma.so.5',
      'liblz4.so.1',
      'libzstd.so.1',
      'libstdc++.so.6',
      'libgcc_s.so.1',
      'libm.so.6',
    ];
    const { root, program } = await rootWith({
      ...Object.fromEntries(names.map((name) => [name, name])),
      'libc.so.6': 'libz.so.1',
    });

    await expect(closureOf(root, [program], nativeArchitecture)).rejects.toMatchObject({
      message: expect.stringMatching(/zstd needs GLIBC_\S+ of libc\.so\.6/),
    });
    await rm(root, { recursive: true });
  },
  buildLimitMs,
);

test(
  'a program of another machine is refused',
  async () => {
    const { root, program } = await rootWith({});

    const other = nativeArchitecture === 'arm64' ? 'x86_64' : 'arm64';
    await expect(closureOf(root, [program], other)).rejects.toMatchObject({
      message: expect.stringContaining(`zstd is not for ${other}`),
    });
    await rm(root, { recursive: true });
  },
  buildLimitMs,
);
