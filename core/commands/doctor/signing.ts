import type { Settings } from '../../contract/config/settings/settings.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Examination } from '../../ports.ts';
import type { Store } from '../../store/store.ts';

/**
 * Signs a few bytes with the key of a source, as each backup does. Empty if its backups are not signed, or if no
 * private key is configured, unless backups are made `here`.
 */
export function signingExaminations(
  name: SourceName,
  { signing: { publicKeys, privateKey } }: Settings,
  store: Store,
  here = false,
): Examination[] {
  if (publicKeys.length === 0 || (privateKey === undefined && !here)) return [];
  const said = `new backups can be signed${privateKey !== undefined && 'kms' in privateKey ? ', by AWS KMS' : ''}`;
  return [
    {
      what: 'signing',
      async look(signal) {
        await store.signer(name, signal);
        return [{ outcome: 'fine', said }];
      },
    },
  ];
}
