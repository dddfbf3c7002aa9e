import { parseConfig } from '../../../core/config-file.ts';
import { configuredIdentities } from '../../../core/encryption.ts';
import { configuredSigning } from '../../../core/signing.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Store } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';

/** What a configuration says of signing: whose signatures are taken, who signs, from which day on. */
export type SigningWords = { publicKeys: readonly string[]; privateKey?: string | { kms: string }; since?: string };

/** The store of the source `shop` in a vault, as a configuration with these words of signing opens it. */
export function signedStore(vault: Vault, words: SigningWords | undefined, identity?: string): Store {
  const inHand = typeof words?.privateKey === 'string' ? words.privateKey : undefined;
  const signing = words && { ...words, ...(inHand !== undefined && { privateKey: { env: 'SIGNING' } }) };
  const document = {
    vault: './backups',
    defaults: { ...(signing && { signing }), ...(identity && { encryption: { identity: { env: 'IDENTITY' } } }) },
    sources: { shop: { postgres: { host: 'db', user: 'u', database: 'shop' } } },
  };
  const config = parseConfig(JSON.stringify(document), 'nightjar.yaml');
  const kept: Record<string, string | undefined> = { SIGNING: inHand, IDENTITY: identity };
  const secrets = { get: async (reference: object) => kept[(reference as { env: string }).env]! };
  return openStore(vault, configuredIdentities(config, secrets), configuredSigning(config, secrets));
}
