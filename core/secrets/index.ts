import { BackupError } from '../domain/errors.ts';
import type { Secrets } from '../ports.ts';
import { awsSecrets } from './aws.ts';
import { readSecretFile } from './file.ts';

export type SecretPlaces = {
  env: Readonly<Record<string, string | undefined>>;
  /** The folder that paths of files are relative to. */
  folder: string;
};

/**
 * Secrets of the environment, of files and of AWS Secrets Manager (fetched once a run). An empty secret is an error,
 * too: `secret-missing`.
 */
export function openSecrets({ env, folder }: SecretPlaces): Secrets {
  const aws = awsSecrets();
  return {
    async get(reference, signal) {
      if ('file' in reference) return readSecretFile(folder, reference.file, signal);
      if ('secret' in reference) return aws.get(reference, signal);
      const value = env[reference.env];
      if (value) return value;
      throw new BackupError(
        'secret-missing',
        `the environment variable ${reference.env} is ${value === undefined ? 'not set' : 'empty'}`,
        {
          hint: `export ${reference.env}=… before the command, or name another place in the configuration`,
        },
      );
    },
  };
}
