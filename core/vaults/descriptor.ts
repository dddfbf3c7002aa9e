import type * as z from 'zod';
import type { CloudConfig } from '../contract/cloud/cloud.ts';
import type { ConfigProblem } from '../contract/config/problem.ts';
import type { SecretReference } from '../ports.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Vault } from '../vault.ts';

/** An open vault; `close` lets go of its connections. */
export type OpenVault = { vault: Vault; close(): void };

/**
 * Where what opens a vault is kept, and the files that it takes. `bucket`: the one that is asked as whoever asks, so
 * that they need rights on it; absent where keys, or none of S3's rights, open it.
 */
export type VaultReach = {
  secrets: readonly SecretReference[];
  files: readonly string[];
  bucket?: { name: string; prefix: string; region?: string | undefined; kmsKey?: string | undefined };
};

/**
 * What a kind of vault says of itself: pure and quickly loaded, for the configuration, its documentation and the stack
 * read it. What it works with is loaded when it is opened.
 */
export type VaultDescriptor<Schema extends z.ZodType<{ kind: string }> = z.ZodType<{ kind: string }>> = {
  /** What its key means, in one sentence. */
  readonly about: string;
  /** What stands under its key; read, it bears its `kind`. */
  readonly schema: Schema;
  /** What a text in the place of keys stands for; undefined where it is no vault of this kind. */
  fromText(text: string): z.input<Schema> | undefined;
  /** The place as people write it; `path` makes a whole path of one in the configuration. */
  place(config: z.output<Schema>, path: Surroundings['path']): string;
  /**
   * The place as a path, with the store that a bucket is in: by it two vaults of a kind are known to lie in one another,
   * and one is told from another where `path` makes it whole.
   */
  pathOf(config: z.output<Schema>, path?: Surroundings['path']): string;
  /** Why functions on AWS can't keep backups there, with a remedy; paths begin at the top of the configuration. */
  cloudProblems(config: z.output<Schema>, cloud: CloudConfig): ConfigProblem[];
  /** The same for copies: paths begin below the vault. */
  copyProblems(config: z.output<Schema>): ConfigProblem[];
  /** What the configuration says of how it is reached. */
  reach(config: z.output<Schema>): VaultReach;
  /** Reaches nothing yet. `key`: where the vault stands in the configuration. Throws `secret-missing`, `config-invalid`. */
  open(config: z.output<Schema>, key: string, from: Surroundings, signal: AbortSignal): Promise<OpenVault>;
};
