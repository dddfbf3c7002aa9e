import type { AccountFinding } from '../../watch/account.ts';
import type { Message } from '../../../contract/events/message.ts';
import { about, fact } from '../text.ts';
import type { ToldAt } from '../text.ts';

/** Something in the account of AWS needs a look: nothing has failed yet. */
export function accountFound({ kind, subject, known, hint }: AccountFinding, telling: ToldAt): Message {
  const facts = [...known.map(([label, value]) => fact(label, value)), fact('Hint', hint)];
  return about(kind, {}, telling, subject, facts, []);
}
