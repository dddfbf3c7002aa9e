import type { Compared, Settled } from '../../../ports.ts';

const name = '`(?:[^`]|``)*`';
const columns = new RegExp(String.raw`(?<=[A-Z] )\((${name}(?:, ${name})*)\)`, 'g');

/** A right on columns is the same in any order of the columns, because the server keeps none. */
export function settleAccounts({
  unequal,
  expected,
  found,
}: Pick<Compared, 'unequal' | 'expected' | 'found'>): Settled {
  const different = unequal.filter(({ kind, name: of, how }) => {
    if (kind !== 'grant' || how !== 'changed') return true;
    return inOrder(expected[kind]?.[of] ?? '') !== inOrder(found[kind]?.[of] ?? '');
  });
  return { ways: {}, exceptions: [], different };
}

function inOrder(definition: string): string {
  return definition.replace(
    columns,
    (_, listed: string) => `(${(listed.match(new RegExp(name, 'g')) ?? []).sort().join(', ')})`,
  );
}
