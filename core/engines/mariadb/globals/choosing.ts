import type { LeftOut } from '../../../ports.ts';
import { factKey } from './facts.ts';
import type { AccountFact } from './facts.ts';

/** What a restore makes of a backup, in this order, and what it leaves out. */
export type ChosenAccounts = { make: AccountFact[]; leftOut: LeftOut[] };

/**
 * Decides about each fact of a backup. Missing accounts are made. An existing account that is the same, password
 * included, gets the rights that it lacks: so the next run completes a killed one, and rights on tables can follow when
 * the tables exist. An existing account that differs is left as it is.
 */
export function chosenAccounts(facts: readonly AccountFact[], here: readonly AccountFact[]): ChosenAccounts {
  const there = new Map(here.map((one) => [factKey(one), one.definition]));
  const others = new Set(
    facts
      .filter((one) => ['account', 'password', 'role'].includes(one.kind))
      .filter((one) => (there.get(factKey(one)) ?? one.definition) !== one.definition || lacksPassword(one, there))
      .map(({ of }) => of),
  );
  const result: ChosenAccounts = { make: [], leftOut: [] };
  for (const one of facts) {
    const definition = there.get(factKey(one));
    if (definition === one.definition) continue;
    const why = others.has(one.of)
      ? `${one.of} is another one on this server, and was left as it is`
      : definition !== undefined && one.kind !== 'grant' && one.kind !== 'membership'
        ? 'is another one on this server, and was left as it is'
        : undefined;
    if (why !== undefined) result.leftOut.push({ kind: one.kind, name: one.name, why });
    else if (one.statements.length > 0) result.make.push(one);
    if (why === undefined && isLocked(one)) {
      const locked = 'was made locked, for the backup could not read its password';
      result.leftOut.push({ kind: one.kind, name: one.name, why: locked });
    }
  }
  return result;
}

/** An account whose hash was hidden is made locked, differently from what it was. */
function isLocked({ kind, definition, statements }: AccountFact): boolean {
  return kind === 'account' && !definition.includes(' ACCOUNT LOCK') && statements[0]!.endsWith(' ACCOUNT LOCK');
}

/** An existing account whose password is not that of the backup. */
function lacksPassword(one: AccountFact, there: ReadonlyMap<string, string>): boolean {
  const isThere = there.has(factKey({ kind: 'account', name: one.of }));
  return one.kind === 'password' && isThere && !there.has(factKey(one));
}
