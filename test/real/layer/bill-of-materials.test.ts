import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { LayerLock } from '../../../layers/db-tools/lock.ts';
import { attempt } from '../../../layers/db-tools/debian/run.ts';
import { serverRoot } from '../../servers/root.ts';
import { buildLimitMs, nativeArchitecture, openLayer } from './native-layer.ts';

type Checksums = { algorithm: string; checksumValue: string }[];
type Document = {
  spdxVersion: string;
  packages: {
    SPDXID: string;
    name: string;
    versionInfo: string;
    licenseDeclared: string;
    sourceInfo?: string;
    checksums?: Checksums;
  }[];
  files: { SPDXID: string; fileName: string; checksums: Checksums }[];
  hasExtractedLicensingInfos: { licenseId: string }[];
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
};

test(
  'the bill of materials names every file with its hash, and every package with its licence, source and hash',
  async () => {
    const { folder, home, programs } = await openLayer(nativeArchitecture);
    const document = JSON.parse(await readFile(join(home, 'sbom.spdx.json'), 'utf8')) as Document;
    const lock = Object.values(
      (JSON.parse(await readFile(join(home, 'lock.json'), 'utf8')) as LayerLock).packages,
    ).flat();
    const licences = await readFile(join(home, 'licences.txt'), 'utf8');
    const present = (await readdir(home, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => `./${relative(folder, join(entry.parentPath, entry.name))}`);

    expect(document.spdxVersion).toBe('SPDX-2.3');
    const written = ['./nightjar/sbom.spdx.json', './nightjar/lock.json', './nightjar/contents.sha256'];
    expect(document.files.map(({ fileName }) => fileName).sort()).toEqual(
      present.filter((name) => !written.includes(name)).sort(),
    );
    for (const { fileName, checksums } of document.files) {
      const sha256 = createHash('sha256')
        .update(await readFile(join(folder, fileName)))
        .digest('hex');
      expect(checksums.find(({ algorithm }) => algorithm === 'SHA256')?.checksumValue).toBe(sha256);
    }

    const debian = document.packages.filter(({ SPDXID }) => SPDXID.includes('-deb-'));
    expect(
      debian.map(({ name, versionInfo, checksums }) => [name, versionInfo, checksums?.[0]?.checksumValue]),
    ).toEqual(lock.map(({ name, version, sha256 }) => [name, version, sha256]));
    for (const { name, versionInfo, licenseDeclared, sourceInfo } of debian) {
      expect({ name, hasLicence: licences.includes(`\n${name} ${versionInfo}\n`) }).toEqual({ name, hasLicence: true });
      expect(document.hasExtractedLicensingInfos.map(({ licenseId }) => licenseId)).toContain(licenseDeclared);
      expect(sourceInfo).toMatch(/source package \S+ \S+/);
    }
    for (const program of programs) {
      const file = document.files.find(({ fileName }) => fileName === `./nightjar/${program.path}`)!;
      const holder = document.relationships.find(
        ({ relatedSpdxElement }) => relatedSpdxElement === file.SPDXID,
      )?.spdxElementId;
      expect(document.packages.find(({ SPDXID }) => SPDXID === holder)?.name).toBe(program.package);
    }
  },
  buildLimitMs,
);

test(
  'the official validator of SPDX finds nothing wrong with it, and does find what is wrong with a changed one',
  async () => {
    const { home } = await openLayer(nativeArchitecture);
    const document = JSON.parse(await readFile(join(home, 'sbom.spdx.json'), 'utf8')) as Document;

    expect(await validated(document)).toEqual({ status: 0, output: '' });
    const contradicting = { ...document, packages: document.packages.map((one) => ({ ...one, filesAnalyzed: false })) };
    expect(await validated(contradicting)).toMatchObject({
      status: 1,
      output: expect.stringContaining('files_analyzed'),
    });
  },
  buildLimitMs,
);

test('a scanner finds in each address of a package its distribution and the source that advisories name', async () => {
  const { home } = await openLayer(nativeArchitecture);
  const { packages } = JSON.parse(await readFile(join(home, 'sbom.spdx.json'), 'utf8')) as {
    packages: { name: string; externalRefs: { referenceLocator: string }[] }[];
  };
  const purl = (name: string) => packages.find((one) => one.name === name)!.externalRefs[0]!.referenceLocator;

  expect(purl('libpq5')).toMatch(
    /^pkg:deb\/debian\/libpq5@[^?]+\?arch=(amd64|arm64)&distro=sid&upstream=postgresql-18$/,
  );
  expect(purl('postgresql-client-15')).toMatch(/&distro=bookworm&upstream=postgresql-15$/);
  expect(purl('mariadb-client')).toMatch(/&distro=trixie&upstream=mariadb$/);
});

test('the texts of the licences that copyright files only point to are there, and every source is named', async () => {
  const { home } = await openLayer(nativeArchitecture);
  const text = await readFile(join(home, 'licences.txt'), 'utf8');
  const lock = Object.values(
    (JSON.parse(await readFile(join(home, 'lock.json'), 'utf8')) as LayerLock).packages,
  ).flat();
  const document = JSON.parse(await readFile(join(home, 'sbom.spdx.json'), 'utf8')) as Document;

  const pointed = new Set(
    [...text.matchAll(/\/usr\/share\/common-licenses\/(GPL-[123]|LGPL-[\d.]+|GFDL-[\d.]+|Apache-2\.0)\b/g)].map(
      ([path]) => path,
    ),
  );
  expect(pointed.size).toBeGreaterThan(3);
  for (const path of pointed)
    expect({ path, isThere: text.includes(`${'='.repeat(80)}\n${path}\n${'='.repeat(80)}\n`) }).toEqual({
      path,
      isThere: true,
    });
  expect(text).toContain('GNU GENERAL PUBLIC LICENSE');
  for (const { name } of lock) {
    const [, source, version] = /source package (\S+) (\S+)/.exec(
      document.packages.find((one) => one.name === name)!.sourceInfo!,
    )!;
    expect(text).toContain(`apt-get source ${source}=${version}\n`);
  }
});

async function validated(document: object): Promise<{ status: number | string; output: string }> {
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  const { path } = await serverRoot(
    { name: 'spdx-tools', suites: ['trixie', 'sid'], packages: ['python3-spdx-tools/sid'] },
    report,
    AbortSignal.timeout(buildLimitMs),
  );
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-spdx-'));
  const file = join(folder, 'document.spdx.json');
  await writeFile(file, JSON.stringify(document));
  const code =
    `import sys; from spdx_tools.spdx.clitools.pyspdxtools import main; sys.argv = ['pyspdxtools', '-i', ` +
    `${JSON.stringify(file)}]; main()`;
  const { status, output, complaint } = await attempt(
    [join(path, 'usr/bin/python3'), '-c', code],
    { env: { ...process.env, PYTHONHOME: join(path, 'usr') } },
    AbortSignal.timeout(120_000),
  );
  await rm(folder, { recursive: true });
  return { status, output: `${output}${complaint}`.trim() };
}
