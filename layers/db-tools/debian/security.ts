import { listsMaxAgeMs } from './apt.ts';
import { baseSuite } from './apt-config.ts';
import { debianNames, type LayerArchitecture } from '../contents.ts';
import { hasApt } from './host.ts';
import type { LayerLock } from '../lock.ts';
import { isNewer, offered } from './pins.ts';

/** A version of a pinned package that Debian's security archive has, and that is newer than the pinned one. */
export type SecurityFix = { name: string; pinned: string; fixed: string };

/**
 * The fixes that Debian's security archive has for what is pinned, as of a day ago at most. Asks this machine's apt
 * alone: one without it, or without Debian's archive key, knows none. Throws where the archive can't be read.
 */
export async function securityFixes(
  { packages }: LayerLock,
  architecture: LayerArchitecture,
  signal: AbortSignal,
): Promise<SecurityFix[]> {
  if (!(await hasApt(signal))) return [];
  const pins = packages[debianNames[architecture]];
  const offers = await offered(
    debianNames[architecture],
    pins.map(({ name }) => name),
    { maxAgeMs: listsMaxAgeMs, only: 'security', current: true },
    () => undefined,
    signal,
  );
  const fixes: SecurityFix[] = [];
  for (const { name, version, suite } of pins) {
    const offer = offers.get(name)?.find((one) => baseSuite(one.suite) === baseSuite(suite));
    if (offer !== undefined && offer.version !== version && (await isNewer(offer.version, version, signal)))
      fixes.push({ name, pinned: version, fixed: offer.version });
  }
  return fixes;
}
