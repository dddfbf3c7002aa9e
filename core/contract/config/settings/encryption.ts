import * as z from 'zod';
import { expected, expectedUnseen, group } from '../fields.ts';
import { secretReference } from '../secret.ts';

const aRecipient = 'a recipient of age, which begins with age1 (age-keygen -y prints that of an identity)';

/** How the backups of a source are encrypted, both in the defaults and in a source. */
export const encryptionSchema = group('encryption', {
  recipients: z
    // an identity in its place is a secret, so it is not shown
    .array(
      z.string({ error: expectedUnseen(aRecipient) }).regex(/^age1[a-z0-9]+$/, { error: expectedUnseen(aRecipient) }),
      {
        error: expected('a list of recipients of age (age1…)'),
      },
    )
    .min(1, { error: 'expected one recipient at least: whoever has the identity of one can read the backups' })
    .optional()
    .describe(
      'Public keys (`age1…`): every part is encrypted to all of them, and whoever has the identity of one reads it.',
    ),
  identity: secretReference
    .optional()
    .describe('Where the identity (`AGE-SECRET-KEY-…`) is kept. Restores and drills need it, and no backup.'),
});

type WrittenEncryption = z.infer<typeof encryptionSchema>;

/** How backups are encrypted: not at all if there is no recipient. */
export type EncryptionSettings = { recipients: readonly string[]; identity: WrittenEncryption['identity'] };

/** A source's own settings over the defaults, key by key. */
export function encryptionOf(
  defaults: WrittenEncryption | undefined,
  own: WrittenEncryption | undefined,
): EncryptionSettings {
  return {
    recipients: own?.recipients ?? defaults?.recipients ?? [],
    identity: own?.identity ?? defaults?.identity,
  };
}
