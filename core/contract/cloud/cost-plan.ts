import type { Config, SourceConfig } from '../config/config.ts';
import { globalsSourceName } from '../config/sources/whole-servers.ts';
import { factsOf } from '../config/sources/source-facts.ts';
import { cloudSchema } from './cloud.ts';
import { plannedEndpoints } from './network.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { CostPlan, SourcePlan } from '../../domain/cost/cost.ts';
import { keptOf } from '../../domain/cost/kept.ts';
import { copyScheduleOf } from '../../domain/time/after-backups.ts';
import { copySizingOf, sizingOf } from './sizing.ts';
import { sizesOf } from '../../domain/parts/sizes.ts';

/** Assumed where nothing is said: one backup a night, of one gigabyte. */
const assumed = { schedule: '0 3 * * *', bytes: 1e9 };
/**
 * The share of a plain dump's bytes that a backup stores, and the bytes that one processor handles per second:
 * docs/performance.md, with a margin.
 */
const usual = { stored: 0.5, bytesPerSecond: 60e6, startSeconds: 5, partBytes: 256 * 1024 ** 2 };
/** Memory that comes with one whole processor, in MB (AWS Lambda, configuring memory). */
const wholeProcessorMb = 1769;
const dayMs = 86_400_000;
/**
 * How many backups are kept varies by one or two from day to day; estimates use one ordinary day, so that they stay the
 * same.
 */
const ordinaryDay = new Date('2027-06-16T12:00:00Z');

/** What a configuration deploys, as far as it costs money. `newest`: the newest backup of each source that has one. */
export function costPlanOf(
  written: Config,
  newest: ReadonlyMap<string, Manifest>,
  { region }: { region: string },
): CostPlan {
  const config = { ...written, sources: withUnlooked(written) };
  const { vault, sources, notify } = config;
  const cloud = config.cloud ?? cloudSchema.parse({});
  const isNew = cloud.bucket === 'create';
  const plans = [...sources].map(([source, own]) => sourcePlan(source, own, newest.get(source)));
  return {
    region,
    sources: plans,
    checksPerMonth: [cloud.check, cloud.digest ?? []]
      .flat()
      .reduce((sum, schedule) => sum + keptOf(schedule, { count: 1 }, ordinaryDay).perMonth, 0),
    ownKey: isNew && cloud.encryption === 'key' && !(vault.kind === 's3' && vault.kmsKey !== undefined),
    signingKey: cloud.signingKey,
    heldDays: isNew ? cloud.noncurrent / dayMs : 0,
    logMonths: Number.parseInt(cloud.logRetention, 10) / 30,
    tracing: cloud.tracing,
    mails: cloud.email.length * 10,
    secrets: secretsIn([[...sources.values()].map((source) => factsOf(source).secrets), notify]).size,
    endpoints: [...plannedEndpoints(cloud.networks).values()].reduce(
      (total, { services, subnets }) => total + services.length * subnets.length,
      0,
    ),
    ...(cloud.byTag !== undefined && { byTag: true }),
    alarmsOfEach: cloud.alarms === 'each',
    copies: copiesPlan(config, plans),
  };
}

/** A whole server without known databases counts as one source of its size. */
function withUnlooked({ sources, servers }: Pick<Config, 'sources' | 'servers'>): Config['sources'] {
  const isKnown = (server: SourceName): boolean =>
    [...sources].some(([name, own]) => own.server === server && name !== globalsSourceName(server));
  return new Map([...sources, ...[...servers].filter(([server]) => !isKnown(server))]);
}

/** Where it will run: as configured, else where the databases are, else this machine's region, else `us-east-1`. */
export function regionOf({ cloud, vault, sources }: Config, env: Readonly<Record<string, string | undefined>>): string {
  const ofRds = [...sources.values()].map(
    ({ on = '' }) => /\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.amazonaws\.com$/i.exec(on)?.[1],
  );
  return (
    cloud?.region ??
    (vault.kind === 's3' ? vault.region : undefined) ??
    ofRds.find((found) => found !== undefined) ??
    (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1')
  );
}

function sourcePlan(
  source: string,
  { watch, retention, cloud }: SourceConfig,
  manifest: Manifest | undefined,
): SourcePlan {
  const { memoryMb, timeoutSeconds } = sizingOf(cloud);
  const rhythm = keptOf(watch.schedule ?? assumed.schedule, retention, ordinaryDay);
  const common = { source, ...rhythm, memoryMb, timeoutSeconds };
  if (manifest !== undefined) {
    const { bytes, storedBytes, ms } = sizesOf(manifest);
    return { ...common, bytes, storedBytes, objects: manifest.parts.length + 1, seconds: ms / 1000, measured: true };
  }
  const bytes = cloud.size ?? assumed.bytes;
  const seconds = usual.startSeconds + bytes / (usual.bytesPerSecond * Math.min(2, memoryMb / wholeProcessorMb));
  return {
    ...common,
    bytes,
    storedBytes: bytes * usual.stored,
    objects: 3 + Math.ceil(bytes / usual.partBytes),
    seconds,
    measured: false,
  };
}

/** For the function that copies: each run lists, and each backup is copied once into each further vault. */
function copiesPlan({ sources }: Config, plans: readonly SourcePlan[]): CostPlan['copies'] {
  const copied = [...sources.values()].flatMap((own, index) => {
    const { perMonth, storedBytes } = plans[index]!;
    return own.copies.length === 0 ? [] : [{ own, bytes: perMonth * storedBytes * own.copies.length }];
  });
  if (copied.length === 0) return undefined;
  const runs = ({ watch: { schedule = assumed.schedule } }: SourceConfig) =>
    keptOf(copyScheduleOf(schedule), { count: 1 }, ordinaryDay).perMonth;
  const perMonth = copied.reduce((sum, { own }) => sum + runs(own), 0);
  const bytes = copied.reduce((sum, one) => sum + one.bytes, 0);
  const { memoryMb } = copySizingOf(copied.map(({ own }) => own.cloud));
  return { perMonth, bytes, memoryMb, seconds: perMonth * usual.startSeconds + bytes / usual.bytesPerSecond };
}

/** Names of the secrets that a part of the configuration refers to. */
function secretsIn(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  const own = 'secret' in value && typeof value.secret === 'string' ? [value.secret] : [];
  return new Set([...own, ...Object.values(value).flatMap((inside) => [...secretsIn(inside)])]);
}
