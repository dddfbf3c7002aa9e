import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Lock } from '../../layers/db-tools/pins.ts';
import { buildLimitMs, nativeArchitecture, openLayer } from './native-layer.ts';

type Checksums = { algorithm: string; checksumValue: string }[];
type Document = {
  spdxVersion: string;
  packages: { SPDXID: string; name: string; versionInfo: string; licenseDeclared: string; sourceInfo?: string; checksums?: Checksums }[];
  files: { SPDXID: string; fileName: string; checksums: Checksums }[];
  hasExtractedLicensingInfos: { licenseId: string }[];
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
};

test('the bill of materials names every file with its hash, and every package with its licence, source and hash', async () => {
  const { folder, home, programs } = await openLayer(nativeArchitecture);
  const document = JSON.parse(await readFile(join(home, 'sbom.spdx.json'), 'utf8')) as Document;
  const lock = Object.values((JSON.parse(await readFile(join(home, 'lock.json'), 'utf8')) as Lock).packages).flat();
  const licences = await readFile(join(home, 'licences.txt'), 'utf8');
  const present = (await readdir(home, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => `./${relative(folder, join(entry.parentPath, entry.name))}`);

  expect(document.spdxVersion).toBe('SPDX-2.3');
  const written = ['./nightjar/sbom.spdx.json', './nightjar/lock.json', './nightjar/contents.sha256'];
  expect(document.files.map(({ fileName }) => fileName).sort()).toEqual(present.filter((name) => !written.includes(name)).sort());
  for (const { fileName, checksums } of document.files) {
    const sha256 = createHash('sha256').update(await readFile(join(folder, fileName))).digest('hex');
    expect(checksums.find(({ algorithm }) => algorithm === 'SHA256')?.checksumValue).toBe(sha256);
  }

  const debian = document.packages.filter(({ SPDXID }) => SPDXID.includes('-deb-'));
  expect(debian.map(({ name, versionInfo, checksums }) => [name, versionInfo, checksums?.[0]?.checksumValue])).toEqual(
    lock.map(({ name, version, sha256 }) => [name, version, sha256]),
  );
  for (const { name, versionInfo, licenseDeclared, sourceInfo } of debian) {
    expect({ name, hasLicence: licences.includes(`\n${name} ${versionInfo}\n`) }).toEqual({ name, hasLicence: true });
    expect(document.hasExtractedLicensingInfos.map(({ licenseId }) => licenseId)).toContain(licenseDeclared);
    expect(sourceInfo).toMatch(/source package \S+ \S+/);
  }
  for (const program of programs) {
    const file = document.files.find(({ fileName }) => fileName === `./nightjar/${program.path}`)!;
    const holder = document.relationships.find(({ relatedSpdxElement }) => relatedSpdxElement === file.SPDXID)?.spdxElementId;
    expect(document.packages.find(({ SPDXID }) => SPDXID === holder)?.name).toBe(program.package);
  }
}, buildLimitMs);
