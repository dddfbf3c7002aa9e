import * as z from 'zod';
import { asDay, day, expected, expectedUnseen, group } from '../fields.ts';
import { privateKeyReference } from '../secret.ts';

const aKey =
  'a public key of Ed25519, or of P-256 as AWS KMS has them: one line that begins with MCowBQYDK2VwAyEA or MFkwEwYH, ' +
  'as "nightjar key" prints it';
/** Both are SPKI in base64: Ed25519 (RFC 8410), or P-256 with an uncompressed point (RFC 5480). */
const publicKeyForm = /^(MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=|MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE[A-Za-z0-9+/]{86}==)$/;

/** How the manifests of a source are signed, both in the defaults and in a source. */
export const signingSchema = group('signing', {
  publicKeys: z
    // a private key in its place is a secret, so it is not shown
    .array(z.string({ error: expectedUnseen(aKey) }).regex(publicKeyForm, { error: expectedUnseen(aKey) }), {
      error: expected('a list of public keys (MCowBQYDK2VwAyEA… or MFkwEwYH…)'),
    })
    .min(1, { error: 'expected one public key at least' })
    .optional()
    .describe(
      'Public keys of Ed25519, or of P-256 (those of AWS KMS): a backup counts only where one of them has signed its ' +
        'manifest.',
    ),
  privateKey: privateKeyReference
    .optional()
    .describe(
      'Where the private key (PEM) is kept, or `kms: ARN`, a key of AWS KMS that signs. Backups need it, and nothing ' +
        'else.',
    ),
  since: day(asDay)
    .optional()
    .describe('The day, in the time zone of the source, from which backups are signed. Older ones are taken unsigned.'),
});

type WrittenSigning = z.infer<typeof signingSchema>;

/** How manifests are signed: not at all if there is no public key. */
export type SigningSettings = {
  publicKeys: readonly string[];
  privateKey: WrittenSigning['privateKey'];
  since: WrittenSigning['since'];
};

/** A source's own settings over the defaults, key by key. */
export function signingOf(defaults: WrittenSigning | undefined, own: WrittenSigning | undefined): SigningSettings {
  return {
    publicKeys: own?.publicKeys ?? defaults?.publicKeys ?? [],
    privateKey: own?.privateKey ?? defaults?.privateKey,
    since: own?.since ?? defaults?.since,
  };
}

/** What is missing in the settings for signing; undefined if they are complete. */
export function signingProblem({ publicKeys, privateKey, since }: SigningSettings): string | undefined {
  if (publicKeys.length > 0 || (privateKey === undefined && since === undefined)) return undefined;
  return 'publicKeys is missing: nothing is signed without it';
}
