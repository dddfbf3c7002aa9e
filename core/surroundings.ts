import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BackupError, isBackupError, messageOf } from './domain/errors.ts';
import type { SecretReference, Secrets, Token } from './ports.ts';
import type { Tools } from './tools.ts';

/** What an adapter gets from whoever opens it. Errors name the key of the configuration to correct. */
export type Surroundings = {
  /** The text itself, or the value of a secret. Throws `secret-missing`. */
  read(key: string, value: SecretReference | string, signal: AbortSignal): Promise<string>;
  /** The absolute path of a file or folder that the configuration names relative to itself. */
  path(written: string): string;
  /** The text of an authority's PEM file. Throws `config-invalid`. */
  authority(key: string, path: string): Promise<string>;
};

/** The same for databases on a server. */
export type EngineSurroundings = Surroundings & {
  /** A token that takes the place of a password. */
  token(of: { host: string; port: number; user: string; resourceId?: string | undefined }): Token;
  /** The database clients; fetched when first needed. Throws `tools-missing`. */
  tools(signal: AbortSignal): Promise<Tools>;
};

/** What adapters get when the configuration lies in `folder`. */
export function surroundings(secrets: Secrets, folder: string): Surroundings {
  const path = (written: string): string => resolve(folder, written);
  return {
    read: (key, value, signal) =>
      typeof value === 'string' ? Promise.resolve(value) : namingKey(key, secrets.get(value, signal)),
    path,
    authority: (key, written) => readAuthority(key, path(written)),
  };
}

/** Adds the key of the configuration to a `secret-missing` error of `work`. */
export async function namingKey<T>(key: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!isBackupError(cause, 'secret-missing')) throw cause;
    throw new BackupError(cause.code, `${key}: ${cause.message}`, { hint: cause.hint, cause });
  }
}

async function readAuthority(key: string, path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : `can't be read: ${messageOf(cause)}`;
    throw new BackupError('config-invalid', `${key}: the file ${path} ${why}`, {
      hint:
        'correct the path (it is relative to the configuration), or put the certificate of the authority there, ' +
        'as PEM',
      cause,
    });
  });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new BackupError('config-invalid', `${key}: the file ${path} holds no certificate`, {
    hint: 'it must begin with -----BEGIN CERTIFICATE-----; from DER: openssl x509 -inform der -in file -out file.pem',
  });
}
