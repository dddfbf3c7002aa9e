import type { Vault } from '../vault.ts';
import { folderVault } from './folder/folder.ts';
import type { S3ClientOptions } from './s3/client.ts';
import type { S3VaultOptions } from './s3/s3.ts';

/** Where backups are to be kept, by kind. */
export type VaultToOpen =
  | { kind: 'folder'; root: string }
  | ({ kind: 's3' } & Omit<S3VaultOptions, 'client'> & Pick<S3ClientOptions, 'region' | 'endpoint' | 'ca'>);

/** What a vault needs from outside its configuration. Without `credentials`, the SDK looks where AWS programs look. */
export type VaultSurroundings = Pick<S3ClientOptions, 'credentials'>;

/** An open vault; `close` lets go of its connections. */
export type OpenVault = { vault: Vault; close(): void };

/** The vault of a configuration. Reaches nothing yet; the SDK is loaded where it is needed, for that takes a while. */
export async function openVault(config: VaultToOpen, surroundings: VaultSurroundings = {}): Promise<OpenVault> {
  if (config.kind === 'folder') return { vault: folderVault(config.root), close: () => undefined };
  const [{ s3Client }, { s3Vault }] = await Promise.all([import('./s3/client.ts'), import('./s3/s3.ts')]);
  const client = s3Client({ ...config, ...surroundings });
  return { vault: s3Vault({ ...config, client }), close: () => client.destroy() };
}
