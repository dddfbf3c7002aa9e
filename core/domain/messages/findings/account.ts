import type { AccountFinding, AccountKind } from '../../watch/account.ts';
import type { Message, MessageKind } from '../../../contract/events/message.ts';
import { about, fact } from '../text.ts';
import type { ToldAt } from '../text.ts';

const endings: Record<AccountKind, string> = {
  'schedule-disabled': 'is on again, or gone',
  'schedule-missing': 'is there again, or need not be',
  uncovered: 'is covered now, or gone',
  'account-unseen': 'can be looked at again, or need not be',
};

export function isAccountKind(kind: MessageKind): kind is AccountKind {
  return kind in endings;
}

/** Says that a finding is over. */
export function accountOver(kind: AccountKind, what: string): string {
  return `${what} ${endings[kind]}`;
}

/** Something in the AWS account needs attention; nothing has failed yet. */
export function accountFound({ kind, subject, known, hint }: AccountFinding, telling: ToldAt): Message {
  const facts = [...known.map(([label, value]) => fact(label, value)), fact('Hint', hint)];
  return about(kind, {}, telling, subject, facts, []);
}
