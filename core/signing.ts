import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Config } from './contract/config/config.ts';
import type { SigningSettings } from './contract/config/settings/signing.ts';
import { BackupError } from './domain/errors.ts';
import { startOf } from './domain/keys.ts';
import type { SourceName } from './domain/keys.ts';
import { calendarOf } from './domain/time/calendar.ts';
import type { SecretReference, Secrets } from './ports.ts';
import type { Sign, Signing, SigningOf } from './store/backups/signature.ts';

type Signed = SigningSettings & { timeZone: string };

/**
 * How the backups of a source are signed: as its configuration says. Backups of a source that is not configured (any
 * more) may be signed with any configured key.
 */
export function configuredSigning({ sources }: Pick<Config, 'sources'>, secrets: Secrets): SigningOf {
  const made = new Map<SourceName, Signing | undefined>();
  return (source) => {
    if (!made.has(source)) {
      const own = sources.get(source);
      const settings = own === undefined ? ofAll([...sources.values()]) : { ...own.signing, timeZone: own.timeZone };
      made.set(source, settings.publicKeys.length === 0 ? undefined : signingBy(source, settings, secrets));
    }
    return made.get(source);
  };
}

function ofAll(sources: readonly { signing: SigningSettings }[]): Signed {
  const signing = sources.map((one) => one.signing).filter(({ publicKeys }) => publicKeys.length > 0);
  const days = signing.flatMap(({ since }) => since ?? []).sort();
  return {
    publicKeys: [...new Set(signing.flatMap(({ publicKeys }) => publicKeys))],
    privateKey: undefined,
    // one source that demands signatures on all its backups speaks for all
    since: days.length === signing.length ? days[0] : undefined,
    timeZone: 'UTC',
  };
}

function signingBy(source: SourceName, { publicKeys, privateKey, since, timeZone }: Signed, secrets: Secrets): Signing {
  const keys = publicKeys.map((line) => publicKeyOf(line, source));
  const calendar = calendarOf(timeZone);
  const isGenuine: Signing['isGenuine'] = (document, signature) =>
    keys.some((key) => verify(digestFor(key), document, key, signature));
  return {
    rules: createHash('sha256')
      .update(JSON.stringify([publicKeys, since, timeZone]))
      .digest('hex')
      .slice(0, 16),
    isDue: (id) => since === undefined || calendar(startOf(id), 'daily') >= since,
    isGenuine,
    async signer(signal) {
      if (privateKey === undefined) throw noPrivateKey(source);
      const { sign: own, shown } =
        'kms' in privateKey ? await inKms(privateKey.kms) : await inHand(source, privateKey, secrets, signal);
      const probe = Buffer.from('nightjar');
      if (!isGenuine(probe, await own(probe, signal))) throw anotherKey(source, shown);
      return own;
    },
  };
}

/** What signs, and where its public key can be read. */
type Signer = { sign: Sign; shown: string };

async function inHand(source: SourceName, at: SecretReference, secrets: Secrets, signal: AbortSignal): Promise<Signer> {
  const key = privateKeyIn(await secrets.get(at, signal), `sources.${source}.signing.privateKey`);
  return { sign: async (document) => sign(null, document, key), shown: publicLineOf(key) };
}

async function inKms(arn: string): Promise<Signer> {
  const { kmsSignature } = await import('./secrets/kms.ts');
  return { sign: (document, signal) => kmsSignature(arn, document, signal), shown: `nightjar key kms ${arn} shows it` };
}

/** Ed25519 hashes by itself; KMS signs the SHA-256. */
function digestFor(key: KeyObject): 'sha256' | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

/** A new key pair: the private key as PEM, the public key as the line for a configuration. */
export function newSigningKey(): { privateKey: string; publicKey: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKey: publicLineOf(privateKey),
  };
}

/** The public key from a line of the configuration; a well-formed line may still be no point on its curve. */
function publicKeyOf(line: string, source: SourceName): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(line, 'base64'), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new BackupError('config-invalid', `sources.${source}.signing.publicKeys: ${line} is no public key`, {
      hint: 'was it copied as a whole? nightjar key prints it',
      cause,
    });
  }
}

/** The configuration line of the public key that belongs to a private key. */
function publicLineOf(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64');
}

/** The private key in a text; throws `key-missing` if there is none, and shows nothing of the text. */
function privateKeyIn(text: string, what: string): KeyObject {
  const key = parsed(text);
  if (key?.asymmetricKeyType === 'ed25519') return key;
  const why = key === undefined ? 'holds no private key that can be read' : `holds a key of ${key.asymmetricKeyType}`;
  throw new BackupError('key-missing', `${what} ${why}`, {
    hint: 'expected a private key of Ed25519 as PEM, without a passphrase: openssl genpkey -algorithm ed25519',
  });
}

function parsed(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}

function noPrivateKey(source: SourceName): BackupError {
  return new BackupError('secret-missing', `backups of ${source} are to be signed, and no private key is configured`, {
    hint: `write where the private key is kept: sources.${source}.signing.privateKey (docs/signing.md)`,
  });
}

function anotherKey(source: SourceName, shown: string): BackupError {
  return new BackupError('key-missing', `sources.${source}.signing: the private key belongs to no key of publicKeys`, {
    hint: `add its public key to publicKeys: ${shown}`,
  });
}
