import type { Config, SourceConfig } from './contract/config/config.ts';
import { BackupError } from './domain/errors.ts';
import type { SourceName } from './domain/keys.ts';
import type { Secrets } from './ports.ts';
import type { IdentitiesOf } from './store/parts/reading.ts';
import { noIdentity } from './store/store.ts';

const keys = () => import('./pipeline/age/keys.ts');

/**
 * What decrypts the backups of a source, read when needed: its own identity; for a source that is not configured (any
 * more), every configured identity.
 */
export function configuredIdentities({ sources }: Pick<Config, 'sources'>, secrets: Secrets): IdentitiesOf {
  return async (source, signal) => {
    const own = sources.get(source);
    const named = (own === undefined ? [...sources] : [[source, own] as const]).flatMap(([name, { encryption }]) =>
      encryption.identity === undefined ? [] : [{ name, reference: encryption.identity }],
    );
    if (named.length === 0) throw noIdentity(source);
    const { identitiesIn } = await keys();
    const read = await Promise.all(
      named.map(async ({ name, reference }) =>
        identitiesIn(await secrets.get(reference, signal), `sources.${name}.encryption.identity`),
      ),
    );
    return [...new Set(read.flat())];
  };
}

/** Throws `config-invalid` for an unusable recipient, before anything is dumped. */
export async function requireRecipients(name: SourceName, { encryption: { recipients } }: SourceConfig): Promise<void> {
  if (recipients.length === 0) return;
  const { recipientProblem } = await keys();
  const problems = recipients.flatMap((recipient, index) => {
    const problem = recipientProblem(recipient);
    return problem === undefined ? [] : [`sources.${name}.encryption.recipients.${index}: ${recipient}: ${problem}`];
  });
  if (problems.length === 0) return;
  throw new BackupError('config-invalid', problems, {
    hint: 'age-keygen -y prints the recipient of an identity; nothing was stored unencrypted',
  });
}
