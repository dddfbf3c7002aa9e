import type { Catalog } from '../../../ports.ts';
import { membersIn, membersKind, shortened } from '../catalog/members.ts';
import type { Member } from '../catalog/members.ts';

/**
 * How the members of extensions differ from the source: a restored database has what its server installs. If the
 * versions of an extension differ, only what somebody had changed is reported; if those of the servers differ, what
 * they print differently is ignored.
 */
export function memberExceptions(expected: Catalog, found: Catalog, owners: boolean, sameVersion: boolean): string[] {
  return Object.keys(expected[membersKind] ?? {}).flatMap((extension) => {
    const version = versionOf(expected, extension);
    if (versionOf(found, extension) === undefined) return [];
    const comparable = versionOf(found, extension) === version;
    const [before, after] = [membersIn(expected, extension), membersIn(found, extension)];
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const other = names.flatMap((name) => {
      const differs = comparable
        ? unlike(before[name], after[name], owners, sameVersion)
        : before[name]?.touched
          ? ['changed in the source, and not compared']
          : [];
      return differs.length === 0 ? [] : [`${name} (${differs.join(', ')})`];
    });
    return other.length === 0
      ? []
      : [`members of the extension ${extension}, of which pg_dump carries no change: ${shortened(other)}`];
  });
}

function versionOf(catalog: Catalog, extension: string): string | undefined {
  return catalog['extension version']?.[extension];
}

/** The difference in words. */
function unlike(
  before: Member | undefined,
  after: Member | undefined,
  owners: boolean,
  sameVersion: boolean,
): string[] {
  if (before === undefined || after === undefined) {
    if (!sameVersion && !before?.touched) return [];
    return [before === undefined ? 'not in the source' : 'missing'];
  }
  const printed = before.definition !== after.definition;
  return [
    ...(printed && sameVersion ? ['other definition'] : []),
    ...(printed && !sameVersion && before.touched ? ['changed in the source, and not compared'] : []),
    ...unlikeProperties(before, after),
    ...(owners && before.owner !== after.owner ? ['other owner'] : []),
    ...(sameVersion && before.comment !== after.comment ? ['other comment'] : []),
  ];
}

function unlikeProperties({ properties: before }: Member, { properties: after }: Member): string[] {
  if (before === undefined || after === undefined) return [];
  return (Object.keys(after) as (keyof typeof after)[])
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => `other ${words[key]}`);
}

const words = {
  volatility: 'volatility',
  strict: 'treatment of nulls',
  definer: 'security',
  leakproof: 'leakproof',
  parallel: 'parallel safety',
  cost: 'cost',
  rows: 'estimate of rows',
  config: 'settings',
};
