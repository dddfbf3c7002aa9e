import { authoritiesOf, missingAuthorityHint } from './rds-endpoint.ts';
import type { Authority } from './rds-endpoint.ts';

/**
 * The file beside the configuration in which `nightjar layer update` pins newer clients than those that came with
 * Nightjar.
 */
export const pinsFileName = 'nightjar.lock.json';

/** A newer version of a pinned package in the security archive of its distribution. */
export type Fix = { name: string; pinned: string; fixed: string };

/**
 * What is known about the database clients without running any. `fixes` undefined: the archive could not be asked.
 * `authorities` undefined: there is no layer yet.
 */
export type ToolsFacts = {
  pinnedAt: Date | undefined;
  fixes: readonly Fix[] | undefined;
  authorities: readonly Authority[] | undefined;
};

/** A source whose server is verified by Amazon's authorities, with the region in its host's name. */
export type RdsSource = { source: string; region: string };

/** A notice in one sentence, and what to do. */
export type Notice = { text: string; hint: string };

const dayMs = 86_400_000;
/** Debian's stable releases get updates about every two months: older pins have missed two of them. */
const oldMs = 120 * dayMs;
const expiringMs = 60 * dayMs;
const namedFixes = 5;

/** Notices about the database clients: old pins, published fixes, authorities that are missing or about to expire. */
export function toolsNotices(
  { pinnedAt, fixes = [], authorities }: ToolsFacts,
  sources: readonly RdsSource[],
  now: Date,
): Notice[] {
  const age = pinnedAt === undefined ? 0 : now.getTime() - pinnedAt.getTime();
  return [
    ...(age < oldMs
      ? []
      : [
          {
            text:
              `the database clients were pinned ${Math.floor(age / dayMs)} days ago: they lack what was fixed ` +
              'since',
            hint: updateHint,
          },
        ]),
    ...(fixes.length === 0 ? [] : [fixesNotice(fixes)]),
    ...(authorities === undefined ? [] : sources.flatMap((one) => authorityNotices(one, authorities, now))),
  ];
}

const updateHint =
  'nightjar layer update, and then what deploys or runs Nightjar; a newer Nightjar brings newer pins, too';

function fixesNotice(fixes: readonly Fix[]): Notice {
  const named = fixes.slice(0, namedFixes).map(({ name, pinned, fixed }) => `${name} ${pinned} → ${fixed}`);
  const more = fixes.length > namedFixes ? `, and ${fixes.length - namedFixes} more` : '';
  return {
    text: `the distribution has security fixes for what the database clients are made of: ${named.join(', ')}${more}`,
    hint: updateHint,
  };
}

function authorityNotices({ source, region }: RdsSource, authorities: readonly Authority[], now: Date): Notice[] {
  const needed = authoritiesOf(region, authorities);
  if (needed.length === 0)
    return [
      {
        text: `${source}: the layer has no authority of Amazon RDS for ${region}: its server can't be verified`,
        hint: missingAuthorityHint(region),
      },
    ];
  const soon = needed.filter(({ until }) => until.getTime() - now.getTime() < expiringMs);
  return soon.map(({ name, until }) => ({
    text:
      `${source}: the authority ${name} ${until < now ? 'expired' : 'expires'} on ` +
      `${until.toISOString().slice(0, 10)}: a server with its certificate can't be verified from then on`,
    hint:
      "move the server to a newer authority (Amazon RDS user guide, certificate rotation), and bring Nightjar's " +
      'up to date: a newer Nightjar pins newer ones',
  }));
}
