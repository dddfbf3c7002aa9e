import type * as z from 'zod';
import type { CloudConfig } from '../contract/cloud/cloud.ts';
import type { ConfigProblem } from '../contract/config/problem.ts';
import type { SecretReference } from '../ports.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Vault } from '../vault.ts';

/** An open vault; `close` closes its connections. */
export type OpenVault = { vault: Vault; close(): void };

/**
 * Where the secrets and files that open a vault are. `bucket`: a bucket that is accessed under the caller's own AWS
 * identity, so that callers need rights on it; absent if keys open it, or S3's rights don't apply.
 */
export type VaultReach = {
  secrets: readonly SecretReference[];
  files: readonly string[];
  bucket?: { name: string; prefix: string; region?: string | undefined; kmsKey?: string | undefined };
};

/**
 * What a kind of vault says about itself. It is pure and loads quickly, because the configuration, its documentation
 * and the stack read it. The vault itself is loaded when it is opened.
 */
export type VaultDescriptor<Schema extends z.ZodType<{ kind: string }> = z.ZodType<{ kind: string }>> = {
  /** What its key means, in one sentence. */
  readonly about: string;
  /** The schema of what stands under its key; the parsed value has its `kind`. */
  readonly schema: Schema;
  /** The keys that a plain text stands for; undefined if it is no vault of this kind. */
  fromText(text: string): z.input<Schema> | undefined;
  /** The place as people write it; `path` makes a path of the configuration absolute. */
  place(config: z.output<Schema>, path: Surroundings['path']): string;
  /**
   * The place as a path, including the store of a bucket. It shows whether two vaults of a kind lie in one another and,
   * if `path` makes it absolute, whether they are different.
   */
  pathOf(config: z.output<Schema>, path?: Surroundings['path']): string;
  /** Why functions on AWS can't keep backups there, with a remedy. Paths start at the top of the configuration. */
  cloudProblems(config: z.output<Schema>, cloud: CloudConfig): ConfigProblem[];
  /** The same for copies; paths start below the vault. */
  copyProblems(config: z.output<Schema>): ConfigProblem[];
  /** How the configuration says it is reached. */
  reach(config: z.output<Schema>): VaultReach;
  /**
   * Opens the vault; reaches nothing yet. `key`: where the vault stands in the configuration. Throws `secret-missing`,
   * `config-invalid`.
   */
  open(config: z.output<Schema>, key: string, from: Surroundings, signal: AbortSignal): Promise<OpenVault>;
};
