import type { CostPlan, Estimate } from './cost.ts';
import { everywhere, pricesOf } from './prices.ts';
import { formatBytes } from '../units.ts';

/** A run expected to take more than this share of its time limit is mentioned. */
const nearLimit = 0.8;
/** From this many sources on, alarms for each are mentioned. */
const fewSources = 10;
/** As S3 counts gigabytes. */
const bytesOfGb = 2 ** 30;
/** Smaller amounts are not mentioned. */
const leastDollars = 0.5;

/** What would surprise somebody who sees only the sum, in a sentence or two each. */
export function costNotes(plan: CostPlan, { sources }: Estimate): string[] {
  const prices = pricesOf(plan.region);
  const shares = sources.map(({ held, storage }, index) => (storage * held) / (held + plan.sources[index]!.kept || 1));
  const heldDollars = shares.reduce((total, one) => total + one, 0);
  const storedGb = plan.sources.reduce((total, { perMonth, storedBytes }) => total + (perMonth * storedBytes) / 1e9, 0);
  const readGb = plan.sources.reduce((total, { perMonth, bytes }) => total + (perMonth * bytes) / 1e9, 0);
  const long = plan.sources.filter(({ seconds, timeoutSeconds }) => seconds > nearLimit * timeoutSeconds);
  const unmeasured = plan.sources.filter(({ measured }) => !measured);
  return [
    ...(prices.known
      ? []
      : [
          `No prices of ${plan.region} are known here: these are the dearest of those that are. Some regions ` +
            'cost up to twice as much.',
        ]),
    ...(heldDollars < leastDollars
      ? []
      : [
          `${money(heldDollars)} of the storage is what rotation has deleted and the bucket holds for ` +
            `${plan.heldDays} days more (cloud.noncurrent).`,
        ]),
    ...(plan.ownKey
      ? ['The KMS key costs $1 more a month after each of its first two yearly rotations: $3 from the third year on.']
      : []),
    ...(!plan.alarmsOfEach || plan.sources.length < fewSources
      ? []
      : [
          `Alarms of its own for each source cost ${money(3 * plan.sources.length * everywhere.alarmMetric)}; ` +
            'cloud.alarms: few leaves those of the whole.',
        ]),
    ...(storedGb * prices.natGb < leastDollars
      ? []
      : [
          `Through a NAT gateway, the ${gb(storedGb)} that go to S3 each month would cost ` +
            `${money(storedGb * prices.natGb)} more; through a gateway endpoint of S3 (cloud.networks, ` +
            'routeTables) or from functions on the public internet, nothing.',
        ]),
    ...(readGb * everywhere.otherRegionGb < leastDollars
      ? []
      : [
          `The ${gb(readGb)} that are read from databases each month cost nothing within one zone; about ` +
            `${money(readGb * everywhere.otherRegionGb)} between zones, from a public address, or from another ` +
            'region, and whatever your host charges for traffic from elsewhere.',
        ]),
    ...(plan.copies === undefined
      ? []
      : [
          `Copies: what lies in further vaults is on the bill of whoever has them. The ${gb(plan.copies.bytes / 1e9)} ` +
            `that go there each month cost ${money((plan.copies.bytes / 1e9) * everywhere.otherRegionGb)} into ` +
            'another region, about $0.09 a GB out of AWS, and nothing within a region.',
        ]),
    ...plan.sources
      .filter(({ seconds, timeoutSeconds }) => seconds > timeoutSeconds)
      .map((one) => failureNote(one, plan, prices)),
    ...long.map(
      ({ source, seconds, timeoutSeconds, measured }) =>
        `${source} takes ${measured ? '' : 'an estimated '}${Math.round(seconds)} s of the ${timeoutSeconds} s ` +
        'that its function may run: give it more memory (cloud.memory), or back it up from a machine.',
    ),
    ...(unmeasured.length === 0
      ? []
      : [
          'Not measured, but taken from the size of the source: ' +
            `${unmeasured.map(({ source, bytes }) => `${source} (${formatBytes(bytes)})`).join(', ')}. A backup ` +
            'is taken for half as large, and a processor for 60 MB a second, which nobody has measured on Lambda.',
        ]),
    ...(plan.byTag
      ? ['Databases that are found by their tag are not in here: their backups, their functions and alarms.']
      : []),
    'Not in here: drills and restores, traffic out of AWS (about $0.09 a GB when you download a backup), taxes, ' +
      'and what your databases cost.',
  ];
}

/**
 * The cost of a backup that can't finish in its time limit: a whole run each night, without a retry, and the storage of
 * its parts until rotation sweeps them a day later, and for longer while the bucket holds them.
 */
function failureNote(
  { source, perMonth, storedBytes, seconds, timeoutSeconds, memoryMb }: CostPlan['sources'][number],
  { heldDays }: CostPlan,
  prices: ReturnType<typeof pricesOf>,
): string {
  const left = storedBytes * (timeoutSeconds / seconds);
  const nights = Math.min(perMonth, 1 + heldDays);
  const storage = ((left * nights) / bytesOfGb) * prices.storage;
  const runs = perMonth * timeoutSeconds * (memoryMb / 1024) * everywhere.gbSecond;
  return (
    `${source} can't end in time: each run would be cut off and leave about ${formatBytes(left)}, which the bucket holds ` +
    `for ${Math.round(1 + heldDays)} days: about ${money(storage + runs)} a month for no backup at all.`
  );
}

function money(dollars: number): string {
  return `$${dollars.toFixed(2)}`;
}

function gb(value: number): string {
  return formatBytes(value * 1e9);
}
