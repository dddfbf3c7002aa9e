import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BackupError } from '../../../core/domain/errors.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { WorkFolder } from './layer.ts';

/** A key pair for files and configurations, and what to do with it. */
type NewKey = { secret: string; public: string; what: string; advice: readonly string[]; yaml(at: string): string[] };

/** For this file name, only the private part goes to stdout. */
const stdout = '-';

/** `nightjar key identity`: makes an identity that decrypts backups, and says where each part belongs. */
export async function newIdentityCommand(file: string, place: WorkFolder): Promise<CommandOutcome> {
  const { newIdentity } = await import('../../../core/pipeline/age/keys.ts');
  const { identity, recipient } = await newIdentity();
  return handOut(file, place, {
    secret: `# public key: ${recipient}\n${identity}\n`,
    public: recipient,
    what: 'the identity',
    advice: [
      'Who has it reads every backup, and who loses it has none: keep it where restores are made, and a second copy of',
      'it, or a second identity, away from there, on paper for instance.',
    ],
    yaml: (at) => ['encryption:', `  recipients: [${recipient}]`, `  identity: ${at}`],
  });
}

/** `nightjar key signing`: makes a key that signs backups, and says where each part belongs. */
export async function newSigningKeyCommand(file: string, place: WorkFolder): Promise<CommandOutcome> {
  const { newSigningKey } = await import('../../../core/signing.ts');
  const { privateKey, publicKey } = newSigningKey();
  return handOut(file, place, {
    secret: privateKey,
    public: publicKey,
    what: 'the private key',
    advice: [
      'Who has it makes backups that pass for yours: keep it where backups are made, and out of reach of the ' +
        'key of the',
      'vault. No restore needs it; one that is lost is replaced by a new pair. Older backups: signing.since.',
    ],
    yaml: (at) => ['signing:', `  publicKeys: [${publicKey}]`, `  privateKey: ${at}`],
  });
}

/** `nightjar key kms`: shows the public key of an AWS KMS key, whose private part never leaves KMS. */
export async function kmsKeyCommand(
  name: string,
  { out }: Pick<WorkFolder, 'out'>,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { kmsPublicKey } = await import('../../../core/secrets/kms.ts');
  const { arn, key } = await kmsPublicKey(name, signal);
  const line = Buffer.from(key).toString('base64');
  out.say(`${arn} signs, and stays in AWS KMS: whoever may use it (kms:Sign) makes backups that pass for yours`);
  out.say('nightjar.yaml, in defaults or in a source:');
  for (const each of ['signing:', `  publicKeys: [${line}]`, `  privateKey: { kms: ${arn} }`]) out.say(`  ${each}`);
  return { document: { public: line, kms: arn }, failures: [] };
}

async function handOut(file: string, { folder, out }: WorkFolder, key: NewKey): Promise<CommandOutcome> {
  const path = resolve(folder, file);
  if (file === stdout) for (const line of key.secret.trimEnd().split('\n')) out.say(line);
  else await writeSecret(path, key.secret);
  const tell = file === stdout ? out.note : out.say;
  tell(file === stdout ? `above is ${key.what}` : `${key.what} is in ${path}, which you alone can read`);
  for (const line of key.advice) tell(line);
  tell('nightjar.yaml, in defaults or in a source:');
  const at = file === stdout ? '{ secret: … }' : `{ file: ${JSON.stringify(file)} }`;
  for (const line of key.yaml(at)) tell(`  ${line}`);
  const document = { public: key.public, ...(file === stdout ? { secret: key.secret } : { file: path }) };
  return { document, failures: [] };
}

/** Never overwrites: the file may hold the only key that opens or signs backups. */
async function writeSecret(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
    throw new BackupError('input-invalid', `${path} is there already, and may be a key: nothing was written`, {
      hint: 'name another file',
      cause,
    });
  });
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
