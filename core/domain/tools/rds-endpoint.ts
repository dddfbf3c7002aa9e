/**
 * The endings of endpoint names, by partition: commercial and GovCloud, China, the European sovereign cloud, the
 * isolated ones.
 */
const suffixes =
  'amazonaws\\.com|amazonaws\\.com\\.cn|amazonaws\\.eu|c2s\\.ic\\.gov|sc2s\\.sgov\\.gov|csp\\.hci\\.ic\\.gov|cloud\\.adc-e\\.uk';
const region = '[a-z]{2,4}(?:-[a-z]+)+-\\d';
/** `shop.c1x2.eu-west-1.rds.amazonaws.com`, and both forms of China's (Amazon RDS user guide, endpoints). */
const endpoint = new RegExp(`\\.(?:(?<before>${region})\\.rds|rds\\.(?<behind>${region}))\\.(?:${suffixes})$`, 'i');

/** The region in the name of an endpoint of Amazon RDS, in any partition; undefined for every other name. */
export function rdsRegion(host: string): string | undefined {
  const { before, behind } = endpoint.exec(host)?.groups ?? {};
  return (before ?? behind)?.toLowerCase();
}

/**
 * The region whose own authorities sign a host's certificate: undefined for RDS Proxy, whose certificates come from
 * Amazon's public ones (Amazon RDS user guide, RDS Proxy security).
 */
export function authorityRegion(host: string): string | undefined {
  return /\.proxy-[^.]+\./i.test(host) ? undefined : rdsRegion(host);
}

/** An authority of a bundle: its common name, and the end of its validity. */
export type Authority = { name: string; until: Date };

/** The authorities for servers of Amazon RDS and Aurora in a region; empty if the bundle does not cover it. */
export function authoritiesOf(wanted: string, all: readonly Authority[]): Authority[] {
  return all.filter(({ name }) => name.startsWith(`Amazon RDS ${wanted} Root CA `));
}

/** Regions whose authorities a layer build can't fetch, because none is pinned for their partition. */
const unpinned = /^(eusc|[a-z]{2}-iso[a-z]?)-/;

/** What to do if a region's authorities are missing. */
export function missingAuthorityHint(wanted: string): string {
  const own = "name the bundle that AWS publishes for this region in the source's tls: { ca: <path of the PEM file> }";
  if (unpinned.test(wanted)) return `${own}; Nightjar brings none for this partition`;
  return `nightjar layer build, where the bundles of AWS can be fetched (NIGHTJAR_RDS_TRUSTSTORE names a copy of them); or ${own}`;
}
