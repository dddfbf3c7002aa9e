import type { Compared, Settled } from '../../../ports.ts';

type Membership = { admin: boolean; inherit: boolean | undefined; set: boolean };

/**
 * A membership is the same one whoever has granted it, and servers before 16 know none of its options but one: what
 * can't be as it was is excepted. All else is decided by its text.
 */
export function settleGlobals({ unequal, expected, found }: Pick<Compared, 'unequal' | 'expected' | 'found'>): Settled {
  const exceptions: string[] = [];
  const different = unequal.filter(({ kind, name, how }) => {
    if (kind !== 'membership' || how !== 'changed') return true;
    const here = membershipsIn(found[kind]?.[name] ?? '');
    const isThere = membershipsIn(expected[kind]?.[name] ?? '').every((one) => here.some((other) => isAs(one, other)));
    if (isThere)
      exceptions.push(`membership ${name}, which somebody else has granted here, or with options of its own`);
    return !isThere;
  });
  return { ways: {}, exceptions, different };
}

function isAs(one: Membership, other: Membership): boolean {
  const inherits = one.inherit === undefined || other.inherit === undefined || one.inherit === other.inherit;
  return inherits && one.admin === other.admin && one.set === other.set;
}

function membershipsIn(definition: string): Membership[] {
  // no name of a role may be taken for an option
  const bare = definition.replace(/"(?:[^"]|"")*"/g, 'quoted');
  return bare.split('; ').map((grant) => ({
    admin: /ADMIN (?:OPTION|TRUE)/.test(grant),
    inherit: grant.includes('INHERIT ') ? grant.includes('INHERIT TRUE') : undefined,
    set: !grant.includes('SET FALSE'),
  }));
}
