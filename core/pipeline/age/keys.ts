import {
  armor,
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { BackupError, messageOf } from '../../domain/errors.ts';

/** A short text, encrypted to every recipient, as lines for a shell script. */
export async function armored(text: string, recipients: readonly string[]): Promise<string> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(text));
}

/**
 * A new identity and its recipient. Post-quantum if one of the recipients `beside` it is, because content encrypted to
 * several is only as safe as the weakest.
 */
export async function newIdentity(beside: readonly string[] = []): Promise<{ identity: string; recipient: string }> {
  const isHybrid = beside.some((one) => /^age1(tag)?pq1/.test(one));
  const identity = isHybrid ? await generateHybridIdentity() : await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** Why a text is no recipient; undefined if it is one. */
export function recipientProblem(recipient: string): string | undefined {
  try {
    new Encrypter().addRecipient(recipient);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * The identities in a text as `age-keygen` writes it: one per line, `#` begins a comment. Throws `secret-missing` if
 * there is none or if a line is something else; the line is never shown.
 */
export function identitiesIn(text: string, what: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const decrypter = new Decrypter();
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity);
    } catch {
      throw noIdentity(what, 'holds a line that is no identity of age');
    }
  }
  if (identities.length === 0) throw noIdentity(what, 'is empty');
  return identities;
}

function noIdentity(what: string, why: string): BackupError {
  return new BackupError('secret-missing', `${what} ${why}`, {
    hint: 'expected what age-keygen prints: AGE-SECRET-KEY-1…, one a line',
  });
}
