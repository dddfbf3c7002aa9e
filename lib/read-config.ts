import type * as z from 'zod';
import { checkConfig } from '../core/contract/config/config.ts';
import type { Config, configSchema, ConfigProblem } from '../core/contract/config/config.ts';
import type { CloudConfig } from '../core/contract/cloud/cloud.ts';
import { cloudProblems } from '../core/contract/cloud/problems.ts';
import type { VaultConfig } from '../core/contract/config/vaults/vault.ts';
import { BackupError } from '../core/domain/errors.ts';

/** The configuration as written in `nightjar.yaml`. */
export type WrittenConfig = z.input<typeof configSchema>;
/**
 * A configuration that can be deployed. Its whole servers are among its sources, because they have functions like them.
 */
export type Deployable = Config & { cloud: CloudConfig; vault: Extract<VaultConfig, { kind: 's3' }> };

/** Reads what is to be deployed. Throws `config-invalid` with every problem and its place. */
export function deployable(document: unknown): Deployable {
  const result = checkConfig(document);
  const problems = 'problems' in result ? result.problems : cloudProblems(result.config);
  if ('problems' in result || problems.length > 0) throw invalid(problems);
  const { config } = result;
  return { ...config, sources: new Map([...config.sources, ...config.servers]) } as Deployable;
}

function invalid(problems: readonly ConfigProblem[]): BackupError {
  const list = problems.map(
    ({ path, message }) => `  ${path.map(String).join('.') || 'the configuration'}: ${message}`,
  );
  return new BackupError('config-invalid', ["the configuration can't be deployed:", ...list], {
    hint: 'every key is explained in docs/configuration.md',
  });
}
