import type { LeftOut } from '../../../ports.ts';
import type { RefusedStatement } from './errors/restore-errors.ts';

const name = String.raw`(?:"(?:[^"]|"")*"|[^\s".]+)`;
const policy = new RegExp(`^CREATE POLICY (${name}) ON (${name}(?:\\.${name})?) `, 's');
const comment = new RegExp(`^COMMENT ON POLICY (${name}) ON (${name}(?:\\.${name})?) IS `, 's');
const missingRole = /role "(.*)" does not exist/s;

/**
 * Policies, with their comments, that could not be made because this server lacks a role: by their names in a catalog.
 * Such a policy concerns nobody here.
 */
export function leftOutPolicies(refusals: readonly RefusedStatement[]): {
  leftOut: LeftOut[];
  others: RefusedStatement[];
} {
  const leftOut: LeftOut[] = [];
  const others: RefusedStatement[] = [];
  const without = new Map<string, string>();
  for (const refusal of refusals) {
    const made = identityOf(policy, refusal.statement);
    const commented = identityOf(comment, refusal.statement);
    const [, role] = missingRole.exec(refusal.error) ?? [];
    if (made !== undefined && role !== undefined) {
      without.set(made, `left out, for the role ${role} is not on this server`);
      leftOut.push({ kind: 'policy', name: made, why: without.get(made)! });
    } else if (commented !== undefined && without.has(commented)) {
      leftOut.push({ kind: 'comment', name: `policy ${commented}`, why: without.get(commented)! });
    } else {
      others.push(refusal);
    }
  }
  return { leftOut, others };
}

/** The name that `pg_identify_object` gives a policy. */
function identityOf(pattern: RegExp, statement: string): string | undefined {
  const [, called, table] = pattern.exec(statement) ?? [];
  return called === undefined ? undefined : `${called} on ${table}`;
}
