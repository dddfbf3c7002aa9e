import { folder } from './folder/descriptor.ts';
import { s3 } from './s3/descriptor.ts';

/** Every kind of vault, by its key below `vault`. */
export const vaults = { folder, s3 };

export type VaultName = keyof typeof vaults;
export type VaultSchema<Name extends VaultName> = (typeof vaults)[Name]['schema'];
