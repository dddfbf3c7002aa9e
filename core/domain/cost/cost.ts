import { everywhere, pricesOf } from './prices.ts';
import type { RegionPrices } from './prices.ts';
import { formatBytes } from '../units.ts';
import type { Bytes } from '../units.ts';

/**
 * One source in an average month. Sizes are of one backup; `kept`: backups once retention's places are filled;
 * `seconds`: of one run.
 */
export type SourcePlan = {
  source: string;
  perMonth: number;
  kept: number;
  bytes: Bytes;
  storedBytes: Bytes;
  objects: number;
  seconds: number;
  memoryMb: number;
  timeoutSeconds: number;
  measured: boolean;
};

/**
 * What is deployed beside the sources. `endpoints` counts each interface endpoint once per zone; `heldDays`: how long
 * the bucket keeps deleted objects.
 */
export type CostPlan = {
  region: string;
  sources: readonly SourcePlan[];
  checksPerMonth: number;
  ownKey: boolean;
  /** Whether a signing key is made. */
  signingKey: boolean;
  heldDays: number;
  logMonths: number;
  tracing: boolean;
  mails: number;
  secrets: number;
  endpoints: number;
  /** Whether databases are backed up that the configuration doesn't name: their number is unknown. */
  byTag?: boolean;
  /** Whether the functions of each source have their own alarms. */
  alarmsOfEach: boolean;
  /**
   * The function that copies, if there is one: its runs, their duration, and the bytes it copies into further vaults.
   */
  copies?: { perMonth: number; seconds: number; memoryMb: number; bytes: Bytes } | undefined;
};

/**
 * One line of a bill, in dollars a month. `free`: how much the account's free allowance takes off, if nothing else uses
 * it.
 */
export type CostLine = { item: string; what: string; dollars: number; free: number };

/** The cost of a month: storage and running time of each source, then what is shared. */
export type Estimate = {
  lines: CostLine[];
  sources: {
    source: string;
    held: number /** Of 2^30 bytes, as AWS counts. */;
    gb: number;
    storage: number;
    runs: number;
  }[];
  dollars: number;
  afterFree: number;
};

const daysOfMonth = 365 / 12;
const hoursOfMonth = 730;
const uploadPart: Bytes = 8 * 1024 * 1024;
/** Duration of rotations and checks, in seconds, as measured in tests with a nearby store; memory of both functions. */
const keeper = { memoryGb: 0.5, rotationSeconds: 5, checkSeconds: 2, secondsOfSource: 0.3 };
/** Manifests that a check reads per source, and bytes that a run of each kind logs. */
const checkReads = 8;
const logBytes = { backup: 10_000, rotation: 4_000, check: 3_000 };
const none = { perMonth: 0, seconds: 0, memoryMb: 0, bytes: 0 };
/** Metrics that a check emits to CloudWatch. */
export const customMetrics = 11;

type Watched = Pick<CostPlan, 'sources' | 'alarmsOfEach' | 'copies'>;

/**
 * Metrics watched by alarms: four for the whole stack, and for rotation, check and (if each source has alarms) each
 * backup: failures, duration, throttling; for copying only failures and throttling.
 */
export function alarmMetricsOf({ sources, alarmsOfEach, copies }: Watched): number {
  return 4 + 3 * (2 + (alarmsOfEach ? sources.length : 0)) + (copies === undefined ? 0 : 2);
}

/** Metrics on the dashboard. */
export function dashboardMetricsOf({ sources, copies }: Omit<Watched, 'alarmsOfEach'>): number {
  return 5 + 1 + 2 * (sources.length + 2 + (copies === undefined ? 0 : 1));
}

/**
 * What AWS will charge for a plan each month, once retention's places are filled; exact to a tenth of a dollar at best.
 */
export function estimateCost(plan: CostPlan): Estimate {
  const prices = pricesOf(plan.region);
  const { free } = everywhere;
  const sources = plan.sources.map((one) => storageOf(one, plan, prices));
  const rotations = plan.sources.length * daysOfMonth;
  const backups = sum(plan.sources.map(({ perMonth }) => perMonth));
  const { copies = none } = plan;
  const runs = backups + rotations + copies.perMonth + plan.checksPerMonth;
  const backupGbSeconds = sum(
    plan.sources.map(({ perMonth, seconds, memoryMb }) => (perMonth * seconds * memoryMb) / 1024),
  );
  const keeperGbSeconds =
    keeper.memoryGb *
      (rotations * keeper.rotationSeconds +
        plan.checksPerMonth * (keeper.checkSeconds + keeper.secondsOfSource * plan.sources.length)) +
    (copies.seconds * copies.memoryMb) / 1024;
  const logsGb =
    (backups * logBytes.backup + rotations * logBytes.rotation + plan.checksPerMonth * logBytes.check) / 1e9;
  const metrics = alarmMetricsOf(plan);
  const onDashboard = dashboardMetricsOf(plan);
  const lines = [
    line(
      'S3 storage',
      formatBytes(sum(sources.map(({ gb }) => gb)) * 2 ** 30),
      sum(sources.map(({ storage }) => storage)),
    ),
    line('S3 requests', requestsText(plan), requestsOf(plan, prices)),
    line(
      'Lambda, backups',
      `${amount(backupGbSeconds)} GB-seconds`,
      backupGbSeconds * everywhere.gbSecond,
      Math.min(backupGbSeconds, free.gbSeconds) * everywhere.gbSecond,
    ),
    line(
      'Lambda, the rest',
      `${amount(keeperGbSeconds)} GB-seconds, ${amount(runs)} runs`,
      keeperGbSeconds * everywhere.gbSecond + runs * everywhere.invocation,
      Math.min(keeperGbSeconds, Math.max(0, free.gbSeconds - backupGbSeconds)) * everywhere.gbSecond +
        Math.min(runs, free.invocations) * everywhere.invocation,
    ),
    ...(plan.ownKey
      ? [
          line('KMS key', '1 key', everywhere.key),
          counted('KMS requests', runs * 10, 'requests', everywhere.keyRequest, free.keyRequests),
        ]
      : []),
    ...(plan.signingKey ? [line('KMS key that signs', '1 key', everywhere.key)] : []),
    counted('Scheduler', runs, 'starts', everywhere.scheduled, free.scheduled),
    counted('CloudWatch alarms', metrics, 'metrics in alarms', everywhere.alarmMetric, free.alarmMetrics),
    counted('CloudWatch metrics', customMetrics, 'figures of the check', everywhere.customMetric, free.customMetrics),
    line(
      'CloudWatch dashboard',
      `1 of ${onDashboard} metrics`,
      everywhere.dashboard,
      onDashboard <= free.dashboardMetrics ? everywhere.dashboard : 0,
    ),
    line(
      'CloudWatch logs',
      `${amount(logsGb * 1000)} MB`,
      logsGb * (prices.logs + everywhere.logStorage * plan.logMonths),
      Math.min(1, free.logsGb / (logsGb * (1 + plan.logMonths))) *
        logsGb *
        (prices.logs + everywhere.logStorage * plan.logMonths),
    ),
    line(
      'SNS',
      `${amount(plan.mails)} mails`,
      plan.mails * (everywhere.mail + everywhere.published),
      Math.min(plan.mails, free.mails) * (everywhere.mail + everywhere.published),
    ),
    ...(plan.secrets > 0
      ? [
          line(
            'Secrets Manager',
            `${plan.secrets} secret${plan.secrets === 1 ? '' : 's'} of yours, ${amount(runs * 2)} reads`,
            plan.secrets * everywhere.secret + runs * 2 * everywhere.secretRead,
          ),
        ]
      : []),
    ...(plan.tracing ? [counted('X-Ray', runs, 'traces', everywhere.trace, free.traces)] : []),
    ...(plan.endpoints > 0
      ? [
          line(
            'Interface endpoints',
            `${plan.endpoints}, each in each zone`,
            plan.endpoints * hoursOfMonth * prices.endpointHour,
          ),
        ]
      : []),
  ];
  const dollars = sum(lines.map((one) => one.dollars));
  return { lines, sources, dollars, afterFree: dollars - sum(lines.map((one) => one.free)) };
}

/**
 * What lies in the bucket: the kept backups, and the deleted ones that are held for a while. As many are deleted as are
 * made.
 */
function storageOf(
  { source, perMonth, kept, storedBytes, seconds, memoryMb }: SourcePlan,
  { heldDays }: CostPlan,
  { storage }: RegionPrices,
) {
  const held = (perMonth / daysOfMonth) * heldDays;
  const gb = ((kept + held) * storedBytes) / 2 ** 30;
  return {
    source,
    held,
    gb,
    storage: gb * storage,
    runs: ((perMonth * seconds * memoryMb) / 1024) * everywhere.gbSecond,
  };
}

/** Writes (uploads in parts of 8 MiB, their beginning and end, lease, lists, tags) and reads (manifests). */
function requestCounts({ sources, checksPerMonth }: CostPlan): { writes: number; reads: number } {
  const writes = sources.map(
    ({ perMonth, storedBytes, objects, seconds, kept }) =>
      perMonth * (Math.ceil(storedBytes / uploadPart) + 2 * objects + 8 + seconds / 60) +
      daysOfMonth * (4 + 2 * objects) +
      checksPerMonth * Math.ceil((kept * objects) / 1000),
  );
  const reads = sources.map(({ perMonth, kept }) => perMonth * 5 + daysOfMonth * kept + checksPerMonth * checkReads);
  return { writes: sum(writes) + checksPerMonth * 2, reads: sum(reads) + checksPerMonth };
}

function requestsText(plan: CostPlan): string {
  const { writes, reads } = requestCounts(plan);
  return `${amount(writes)} writes, ${amount(reads)} reads`;
}

function requestsOf(plan: CostPlan, { put, get }: RegionPrices): number {
  const { writes, reads } = requestCounts(plan);
  return writes * put + reads * get + sum(plan.sources.map(({ kept, objects }) => kept * objects * 2)) * everywhere.tag;
}

function counted(item: string, count: number, unit: string, price: number, free: number): CostLine {
  return line(item, `${amount(count)} ${unit}`, count * price, Math.min(count, free) * price);
}

function line(item: string, what: string, dollars: number, free = 0): CostLine {
  return { item, what, dollars, free };
}

/** Two significant digits: this is an estimate. */
function amount(value: number): string {
  return value >= 10
    ? Math.round(value).toLocaleString('en-US')
    : value.toLocaleString('en-US', { maximumSignificantDigits: 2 });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
