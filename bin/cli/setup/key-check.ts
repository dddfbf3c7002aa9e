import { checkKeys } from '../../../core/commands/check/check-keys.ts';
import type { KeysChecked } from '../../../core/commands/check/check-keys.ts';
import { configured, memoryFor } from '../names.ts';
import type { CommandSession } from '../session.ts';
import { failureDocument } from '../text/failure.ts';
import type { CommandOutcome } from '../text/output.ts';

const signatures: Record<KeysChecked['signature'], string> = {
  genuine: 'signed by a key of the configuration',
  older: 'not looked at by whom it is signed: it is older than signing.since',
  unasked: 'signing is not configured',
};
const contents: Record<KeysChecked['content'], string> = {
  opened: 'encrypted, and the identity opens it',
  plain: 'not encrypted',
};

/**
 * `nightjar key check`: proves for each source that its newest backup can be decrypted, and that its signature
 * verifies.
 */
export async function keyCheckCommand(
  names: readonly string[],
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const results: object[] = [];
  const failures: unknown[] = [];
  for (const source of configured(names, nightjar)) {
    try {
      const checked = await checkKeys(source, memoryFor(source, nightjar), nightjar, signal);
      out.say(lineOf(checked));
      results.push({ status: 'checked', ...checked });
    } catch (error) {
      out.fail(error);
      failures.push(error);
      results.push({ status: 'failed', source, error: failureDocument(error) });
      if (signal.aborted) break;
    }
  }
  return { document: { results }, failures };
}

function lineOf({ source, id, signature, content, signs }: KeysChecked): string {
  const signing =
    signature === 'unasked' ? [] : [signs ? 'the private key fits, too' : 'no private key here: none can be made'];
  return `${source}  ${id}  ${[signatures[signature], contents[content], ...signing].join('; ')}`;
}
