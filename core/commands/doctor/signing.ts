import type { Settings } from '../../contract/config/settings/settings.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Examination } from '../../ports.ts';
import type { Store } from '../../store/store.ts';

/**
 * What backups of a source are signed with, tried on a few bytes as each backup does. None where they are not to be
 * signed, nor where no private key is configured, unless we are `here` to make backups.
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
