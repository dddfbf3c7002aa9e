import { createHash } from 'node:crypto';
import type { KMSClient } from '@aws-sdk/client-kms';
import { abortError, BackupError, messageOf } from '../domain/errors.ts';
import { clientHint, clientSettings, limitMs } from './aws-client.ts';

/** A public key of AWS KMS: the key's `arn`, and the public key itself (SPKI, DER). */
export type KmsPublicKey = { arn: string; key: Uint8Array };

/**
 * Signs a document inside AWS KMS: ECDSA on P-256 over the SHA-256 of the document, as DER (KMS API reference, Sign).
 * Throws `secret-missing` if the key is unavailable, and `key-missing` if it can't sign.
 */
export async function kmsSignature(arn: string, document: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const { SignCommand } = await import('@aws-sdk/client-kms');
  const digest = createHash('sha256').update(document).digest();
  const command = new SignCommand({
    KeyId: arn,
    Message: digest,
    MessageType: 'DIGEST',
    SigningAlgorithm: 'ECDSA_SHA_256',
  });
  const { Signature } = await asked(arn, (client, options) => client.send(command, options), signal);
  if (Signature === undefined) throw unfit(arn, 'gave no signature');
  return Signature;
}

/** The public key of a KMS key, by its ARN or alias. Throws as `kmsSignature` does. */
export async function kmsPublicKey(name: string, signal: AbortSignal): Promise<KmsPublicKey> {
  const { GetPublicKeyCommand } = await import('@aws-sdk/client-kms');
  const command = new GetPublicKeyCommand({ KeyId: name });
  const answer = await asked(name, (client, options) => client.send(command, options), signal);
  const { KeyId: arn, PublicKey: key, KeySpec: spec, KeyUsage: usage } = answer;
  if (spec !== 'ECC_NIST_P256' || usage !== 'SIGN_VERIFY') throw unfit(name, `is of ${spec}, for ${usage}`);
  if (arn === undefined || key === undefined) throw unfit(name, 'gave no public key');
  return { arn, key };
}

async function asked<T>(
  name: string,
  ask: (client: KMSClient, options: { abortSignal: AbortSignal }) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { KMSClient: Client } = await import('@aws-sdk/client-kms');
  const client = new Client(clientSettings('kms', name));
  try {
    return await ask(client, { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]) });
  } catch (cause) {
    throw signal.aborted ? abortError(signal) : explained(name, cause);
  } finally {
    client.destroy();
  }
}

/** Errors that no permission or other name would fix (KMS API reference, Sign: errors). */
const unfitNames = ['DisabledException', 'KMSInvalidStateException', 'InvalidKeyUsageException', 'ValidationException'];

function explained(name: string, cause: unknown): BackupError {
  const kind = cause instanceof Error ? cause.name : '';
  if (unfitNames.includes(kind)) return unfit(name, `can't sign: ${messageOf(cause)}`, cause);
  const hints: Record<string, string> = {
    NotFoundException: 'check its ARN, the account and the region',
    AccessDeniedException: 'allow kms:Sign on it to what makes backups (kms:GetPublicKey to see its public key)',
  };
  return new BackupError('secret-missing', `the key ${name} of AWS KMS can't be used: ${messageOf(cause)}`, {
    hint: hints[kind] ?? clientHint(cause, 'the key') ?? 'is KMS reachable from here? In a network: endpoints: [kms]',
    cause,
  });
}

function unfit(name: string, why: string, cause?: unknown): BackupError {
  return new BackupError('key-missing', `the key ${name} of AWS KMS ${why}`, {
    hint: 'a key that signs is of ECC_NIST_P256 for SIGN_VERIFY, enabled, and not waiting for its deletion',
    cause,
  });
}
