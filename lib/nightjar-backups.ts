import { Stack, Tags } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';
import type { CloudConfig } from '../core/contract/cloud/cloud.ts';
import type { SourceConfig } from '../core/contract/config/config.ts';
import { plannedEndpoints } from '../core/contract/cloud/network.ts';
import { wholeServer } from '../core/contract/config/sources/whole-servers.ts';
import { rdsSources } from '../core/contract/config/sources/rds-sources.ts';
import { factsOf } from '../core/contract/config/sources/source-facts.ts';
import { BackupError } from '../core/domain/errors.ts';
import type { SourceName } from '../core/domain/keys.ts';
import { longestGapHours } from '../core/domain/time/longest-gap.ts';
import { withBundles } from './bundles.ts';
import { AlertTopic } from './constructs/alert-topic.ts';
import { Alarms } from './constructs/alarms.ts';
import type { WatchedFunction } from './constructs/alarms.ts';
import { BackupDashboard } from './constructs/dashboard.ts';
import { DatabaseLayer } from './constructs/database-layer.ts';
import { DeadLetters } from './constructs/dead-letters.ts';
import { ByTagFunctions } from './constructs/functions/by-tag-functions.ts';
import type { ByTagFunctionsProps } from './constructs/functions/by-tag-functions.ts';
import { byTagSamples } from '../core/contract/cloud/by-tag-problems.ts';
import { KeeperFunctions } from './constructs/functions/keeper-functions.ts';
import { Network } from './constructs/network.ts';
import type { NightjarFunction } from './constructs/functions/nightjar-function.ts';
import { Schedules } from './constructs/schedules.ts';
import { SourceFunctions } from './constructs/functions/source-functions.ts';
import type { SourceFunctionsProps } from './constructs/functions/source-functions.ts';
import { SigningKey } from './constructs/signing-key.ts';
import { VaultBucket } from './constructs/vault-bucket.ts';
import { furtherVaults } from './rights/copies.ts';
import type { FurtherVaults } from './rights/copies.ts';
import { slugOf, slugRoom } from './plan/names.ts';
import { outputs } from './outputs.ts';
import { plannedByTag, plannedCheck, plannedDigest, plannedOf } from './plan/planned.ts';
import { deployable } from './read-config.ts';
import type { WrittenConfig } from './read-config.ts';
import { roomsOf } from './plan/rooms.ts';
import type { StackRoom } from './plan/rooms.ts';
import type { Shared } from './shared.ts';
import { backupSizingOf, copySizingOf, sizingOf, smallSizing } from '../core/contract/cloud/sizing.ts';
import { limitTemplate } from './template-limits.ts';

export type NightjarBackupsProps = WrittenConfig & {
  /**
   * Folder that paths in the configuration (certificates of authorities) are relative to. @default - the current folder
   */
  readonly folder?: string;
};

/**
 * Everything that backs up the sources of a configuration, every night after deployment. The configuration has the keys
 * of `nightjar.yaml`; throws `config-invalid` with all its problems.
 */
export class NightjarBackups extends Construct {
  readonly bucket: IBucket;
  /** The topic that alarms and functions publish to. */
  readonly topic: ITopic;
  /** By source. */
  readonly functions: ReadonlyMap<string, Pick<SourceFunctions, 'backup' | 'restore' | 'drill'>>;
  readonly rotate: NightjarFunction;
  readonly check: NightjarFunction;
  readonly #names: string;

  constructor(scope: Construct, id: string, { folder = process.cwd(), ...document }: NightjarBackupsProps) {
    super(scope, id);
    const all = deployable(document);
    const { vault: place } = all;
    const stack = document.cloud?.stack ?? prefixOf(Stack.of(this).stackName);
    const cloud = { ...all.cloud, stack };
    this.#names = stack;
    this.#requireOwnNames();
    const { queue: deadLetters } = new DeadLetters(this, 'DeadLetters', { stack });
    const { topic } = new AlertTopic(this, 'Alerts', { cloud });
    const { bucket, key } = new VaultBucket(this, 'Vault', {
      bucketName: place.bucket,
      cloud,
      kmsKeyArn: place.kmsKey,
    });
    const signingKey = cloud.signingKey ? new SigningKey(this, 'Signing', { stack }).key : undefined;
    const prefix = place.prefix.replace(/^\/+|\/+$/g, '');
    const samples = byTagSamples(all);
    const shared: Shared = {
      stack,
      all,
      vault: { bucket, key, region: place.region, prefix: prefix === '' ? '' : `${prefix}/` },
      further: furtherVaults(this, { vaults: all.vaults, sources: [...all.sources.values(), ...samples] }),
      common: { topic, deadLetters, logDays: Number.parseInt(cloud.logRetention, 10), tracing: cloud.tracing },
    };
    const rooms = roomsOf(this, stack, [...all.sources.keys()], cloud.stacks);
    const regions = [
      ...rdsSources(all).map(({ region }) => region),
      ...(samples.length > 0 && cloud.region !== undefined ? [cloud.region] : []),
    ];
    const layers = rooms.map((room) => new DatabaseLayer(room.scope, 'Tools', { folder, regions }).version);
    const networks = networksOf(this, cloud);
    const { functions, keepers, byTag } = withBundles(
      { document, folder, files: authoritiesOf([...all.sources.values(), ...samples], shared.further) },
      (newCode) => {
        const functions = new Map(
          rooms.flatMap((room, index) =>
            functionsIn(room, { shared, networks, code: newCode(), layer: layers[index]! }),
          ),
        );
        const keepers = new KeeperFunctions(this, 'Keepers', {
          shared,
          code: newCode(),
          layer: layers[0]!,
          scheduleGroups: rooms.map(({ name }) => name),
        });
        const given = { shared, networks, code: newCode(), layer: layers[0]!, keepers };
        return { functions, keepers, byTag: byTagIn(this, samples, given) };
      },
    );
    for (const room of rooms) equip(room, { shared, functions, keepers, byTag });
    const { rotate, check } = keepers;
    outputs(this, { stack, bucket, topic, deadLetters, check: check.fn, rotate: rotate.fn, signingKey });
    this.bucket = bucket;
    this.topic = topic;
    this.functions = functions;
    this.rotate = rotate;
    this.check = check;
  }

  /** AWS would only find two equal names half way through a deployment. */
  #requireOwnNames(): void {
    const here = (one: IConstruct): string => `${Stack.of(one).account} ${Stack.of(one).region}`;
    const twin = this.node.root.node
      .findAll()
      .find(
        (one) =>
          one instanceof NightjarBackups && one !== this && one.#names === this.#names && here(one) === here(this),
      );
    if (twin !== undefined)
      throw new BackupError(
        'config-invalid',
        `the things of ${twin.node.path} would be called ${this.#names}-…, too, in the same account and region: ` +
          'give one of the two a cloud.stack of its own',
      );
  }
}

/** Longest prefix that leaves room for a source's name (cloud.stack). */
const longestPrefix = 32;

/** The stack's own name, as the prefix of the names in it. */
function prefixOf(stackName: string): string {
  return slugOf(stackName, longestPrefix);
}

type Made = {
  byTag: ByTagFunctions | undefined;
  shared: Shared;
  functions: ReadonlyMap<SourceName, SourceFunctions>;
  keepers: KeeperFunctions;
};

function functionsIn(
  { scope, sources }: StackRoom,
  { networks, ...given }: Pick<SourceFunctionsProps, 'shared' | 'code' | 'layer'> & { networks: Networks },
): [SourceName, SourceFunctions][] {
  const within = new Construct(scope, 'Sources');
  return sources.map((source) => {
    const config = given.shared.all.sources.get(source)!;
    const network = networks.get(config.cloud.network ?? '');
    return [source, new SourceFunctions(within, slugOf(source, slugRoom), { ...given, source, config, network })];
  });
}

/** The functions for databases that are found by their tag, if the configuration asks for them. */
function byTagIn(
  scope: Construct,
  [sample]: readonly SourceConfig[],
  { networks, ...given }: Omit<ByTagFunctionsProps, 'byTag' | 'sample' | 'network'> & { networks: Networks },
): ByTagFunctions | undefined {
  const { byTag } = given.shared.all.cloud;
  if (byTag === undefined || sample === undefined) return undefined;
  return new ByTagFunctions(scope, 'ByTag', { ...given, byTag, sample, network: networks.get(byTag.network)! });
}

/** What surrounds the functions of a stack: schedules, alarms and the dashboard. */
function equip({ scope, name, sources, isFirst }: StackRoom, { shared, functions, keepers, byTag }: Made): void {
  const { all, common } = shared;
  const { cloud } = all;
  const { topic, deadLetters } = common;
  const { rotate, check, copy } = keepers;
  const backup = (source: SourceName) => functions.get(source)!.backup;
  const drill = (source: SourceName) => functions.get(source)!.drill?.fn;
  new Schedules(scope, 'Schedules', {
    stack: name,
    deadLetters,
    planned: [
      ...plannedOf(all, sources, {
        backup: (source) => backup(source).fn,
        drill,
        rotate: rotate.fn,
        copy: copy?.fn,
      }),
      ...(isFirst
        ? [plannedCheck(all, check.fn), ...plannedDigest(all, check.fn), ...plannedByTag(byTag?.look.fn)]
        : []),
    ],
  });
  const ofSources = sources.map((source) => watchedSource(source, all.sources.get(source)!, backup(source)));
  const watched = [...ofSources, ...(isFirst ? [...watchedKeepers(keepers), ...watchedByTag(byTag)] : [])];
  const checkHours = longestGapHours(cloud.check, cloud.timeZone);
  const alarms = new Alarms(scope, 'Alarms', {
    stack: name,
    topic,
    whole: isFirst ? { deadLetters, checker: check.fn, checkHours } : undefined,
    runbook: all.runbook ?? 'docs/runbook.md',
    watched: cloud.alarms === 'each' ? watched : watched.slice(ofSources.length),
  });
  new BackupDashboard(scope, 'Overview', {
    stack: name,
    sources: isFirst ? [...all.sources.keys()] : sources,
    checker: check.fn,
    checkHours,
    watched,
    deadLetters,
    alarms: alarms.all,
    logGroupNames: watched.map(({ fn }) => fn.logGroup.logGroupName),
  });
  for (const [key, value] of Object.entries(cloud.tags)) Tags.of(scope).add(key, value);
  limitTemplate(scope, { sources: sources.length, all: [...all.sources.keys()], alarms: cloud.alarms });
}

type Networks = ReadonlyMap<string, Network>;

function networksOf(scope: Construct, { stack, networks }: CloudConfig): Networks {
  const made = new Map<string, Network>();
  for (const [key, planned] of plannedEndpoints(networks))
    made.set(
      key,
      new Network(scope, `Network-${key}`, {
        key,
        name: `${stack} ${key}`,
        config: networks[key]!,
        planned,
        earlier: new Map(made),
      }),
    );
  return made;
}

/** Certificates that lie beside the configuration. */
function authoritiesOf(sources: readonly SourceConfig[], { files: ofVaults }: FurtherVaults): string[] {
  const files = sources
    .map((source) => factsOf(source))
    .flatMap(({ server, drills }) => [server?.tls, drills?.server?.tls])
    .flatMap((tls) => (tls?.mode === 'verify' && tls.ca !== 'rds' && tls.ca !== 'public' ? [tls.ca] : []));
  return [...new Set([...files, ...ofVaults])];
}

function watchedSource(source: SourceName, config: SourceConfig, { fn }: NightjarFunction): WatchedFunction {
  return {
    label: `The backup of ${source}`,
    name: (what) => `${what}-${slugOf(source, slugRoom)}`,
    failed: 'failed',
    fn,
    timeoutSeconds: backupSizingOf(config).timeoutSeconds,
    goesOn: wholeServer(config) !== undefined,
  };
}

function watchedByTag(made: ByTagFunctions | undefined): WatchedFunction[] {
  if (made === undefined) return [];
  const { timeoutSeconds } = smallSizing;
  const name = (job: string) => (what: string) => `by-tag${job}-${what}`;
  return [
    {
      label: 'Looking for databases by tag',
      name: name(''),
      failed: 'discovery-failed',
      fn: made.look.fn,
      timeoutSeconds,
    },
    {
      label: 'The backup of a database by tag',
      name: name('-backup'),
      failed: 'failed',
      fn: made.backup.fn,
      timeoutSeconds: sizingOf(made.sample.cloud).timeoutSeconds,
    },
  ];
}

/** Named in reverse order, so that no source's name can produce the same name. */
function watchedKeepers({ rotate, check, copy }: KeeperFunctions): WatchedFunction[] {
  const { timeoutSeconds } = smallSizing;
  const copying =
    copy === undefined
      ? []
      : [
          {
            label: 'Copying',
            name: (what: string) => `copy-${what}`,
            failed: 'copy-failed',
            fn: copy.fn,
            timeoutSeconds: copySizingOf([]).timeoutSeconds,
            goesOn: true,
          },
        ];
  return [
    {
      label: 'Rotation',
      name: (what) => `rotation-${what}`,
      failed: 'rotation-failed',
      fn: rotate.fn,
      timeoutSeconds,
    },
    { label: 'The check', name: (what) => `check-${what}`, failed: 'check-failed', fn: check.fn, timeoutSeconds },
    ...copying,
  ];
}
