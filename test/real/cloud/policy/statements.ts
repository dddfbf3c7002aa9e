import type { Judged, Role } from './gate.ts';
import { listOf, matches } from './policy.ts';

/** One action, or one resource, of one statement: what must have been used to deserve its place. */
type Piece = { id: string; kind: 'Action' | 'Resource'; pattern: string };

const sources = /(?<=[/:-])(shop|blog|ledger|rds\.\*)(?=[/:-]|$)/g;

/**
 * Every action and every resource of every statement of the roles, by role, that no allowed call has made use of. What
 * the functions of one source do speaks for those of all.
 */
export function unused(roles: readonly Role[], judged: readonly Judged[]): string[] {
  const used = new Set<string>();
  for (const { call, verdict } of judged.filter(({ verdict }) => verdict.allowed || verdict.denying.length > 0)) {
    for (const id of [...verdict.allowing, ...verdict.denying]) {
      const statement = roles.flatMap(({ identity }) => identity).find((rule) => rule.id === id)?.statement;
      for (const pattern of listOf(statement?.Action))
        if (matches(pattern.toLowerCase(), call.action.toLowerCase()))
          used.add(nameOf({ id, kind: 'Action', pattern }));
      for (const pattern of listOf(statement?.Resource))
        if (matches(pattern, call.resource)) used.add(nameOf({ id, kind: 'Resource', pattern }));
    }
  }
  const pieces = roles.flatMap(({ identity }) =>
    identity.flatMap(({ id, statement }): Piece[] => [
      ...listOf(statement.Action).map((pattern) => ({ id, kind: 'Action' as const, pattern })),
      ...listOf(statement.Resource).map((pattern) => ({ id, kind: 'Resource' as const, pattern })),
    ]),
  );
  return [...new Set(pieces.map(nameOf))].filter((name) => !used.has(name)).sort();
}

function nameOf({ id, kind, pattern }: Piece): string {
  return `${id.replace(/ \w+/, '')} ${kind} ${pattern}`.replace(sources, '<source>');
}
