import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { FunctionCommon } from './constructs/functions/nightjar-function.ts';
import type { FurtherVaults } from './rights/copies.ts';
import type { VaultPlace } from './rights/grants.ts';
import type { Deployable } from './read-config.ts';

/** What all functions of a stack share. */
export type Shared = {
  /** The prefix of all names. */
  readonly stack: string;
  readonly all: Deployable;
  readonly vault: VaultPlace & {
    readonly key: IKey | undefined /** @default - the region of the stack */;
    readonly region: string | undefined;
  };
  /** The further vaults that backups are copied into. */
  readonly further: FurtherVaults;
  readonly common: FunctionCommon;
};
