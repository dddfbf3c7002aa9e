import type { Compared, Settled } from '../../../ports.ts';
import { allowedBy } from './memberships.ts';

/**
 * A membership is the same whoever granted it, and servers before 16 know only one of its options: what can't be as it
 * was is excepted. Everything else is decided by its text.
 */
export function settleGlobals({ unequal, expected, found }: Pick<Compared, 'unequal' | 'expected' | 'found'>): Settled {
  const exceptions: string[] = [];
  const different = unequal.filter(({ kind, name, how }) => {
    if (kind !== 'membership' || how !== 'changed') return true;
    const isSame = allowsTheSame(expected[kind]?.[name] ?? '', found[kind]?.[name] ?? '');
    if (isSame) exceptions.push(`membership ${name}, which somebody else has granted here, or with options of its own`);
    return !isSame;
  });
  return { ways: {}, exceptions, different };
}

function allowsTheSame(expected: string, found: string): boolean {
  const [one, other] = [allowedBy(grantsIn(expected)), allowedBy(grantsIn(found))];
  const inherits = one.inherit === undefined || other.inherit === undefined || one.inherit === other.inherit;
  return inherits && one.admin === other.admin && one.set === other.set;
}

/** The grants of a membership, which its definition lists. */
function grantsIn(definition: string): string[] {
  return definition.split(/; (?=GRANT )/);
}
