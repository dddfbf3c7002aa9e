import type * as z from 'zod';
import type { CloudConfig } from '../contract/cloud/cloud.ts';
import type { ConfigProblem } from '../contract/config/problem.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Vault } from '../vault.ts';

/** An open vault; `close` lets go of its connections. */
export type OpenVault = { vault: Vault; close(): void };

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
  /** The place as a path, by which two vaults of a kind are known to lie in one another. */
  pathOf(config: z.output<Schema>): string;
  /** Why functions on AWS can't keep backups there, with a remedy; paths begin at the top of the configuration. */
  cloudProblems(config: z.output<Schema>, cloud: CloudConfig): ConfigProblem[];
  /** Reaches nothing yet. `key`: where the vault stands in the configuration. Throws `secret-missing`, `config-invalid`. */
  open(config: z.output<Schema>, key: string, from: Surroundings, signal: AbortSignal): Promise<OpenVault>;
};
