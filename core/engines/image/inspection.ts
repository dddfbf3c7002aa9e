import { createHash } from 'node:crypto';
import { BackupError } from '../../domain/errors.ts';
import type { ByteStream, Inspection } from '../../ports.ts';
import { digestInName } from './facts.ts';

/** A part must be the blob that its name says, whatever the manifest says about its bytes. */
export const inspection: Inspection = {
  inspect: (part, content) => (part.role === 'data' ? namedBlob(content, part.file) : content),
};

/** Passes a blob on, and throws `part-corrupt` at its end if it is not the one that its part is named after. */
export async function* namedBlob(content: ByteStream, file: string): ByteStream {
  const digest = digestInName({ file });
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  if (`sha256:${hash.digest('hex')}` === digest) return;
  throw new BackupError('part-corrupt', `${file} is not the blob that it is named after`, {
    hint: 'who has written to the vault? Restore another backup, and keep this one to look into it',
  });
}
