import { Annotations } from 'aws-cdk-lib';
import type { Code, ILayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { lostBackupWarning } from '../../../core/contract/cloud/aws-schedule.ts';
import { largestBytes } from '../../../core/contract/cloud/unfit.ts';
import type { SourceConfig } from '../../../core/contract/config/config.ts';
import { wholeServer } from '../../../core/contract/config/sources/whole-servers.ts';
import { factsOf } from '../../../core/contract/config/sources/source-facts.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { readCopiesStatements, secretsOfCopies } from '../../rights/copies.ts';
import { backupStatements, drillStatements, placeOf, restoreStatements } from '../../rights/grants.ts';
import { readServersStatements, rememberServerStatement } from '../../rights/grants.ts';
import { readPacksStatements, storePacksStatements } from '../../rights/packs.ts';
import { functionName } from '../../plan/names.ts';
import {
  loginStatements,
  mountStatements,
  secretStatements,
  signingStatements,
  tellingStatements,
  vaultKeyStatements,
} from '../../rights/rights.ts';
import { namesIn } from '../../rights/secrets.ts';
import { backupSizingOf, restoreSizingOf } from '../../../core/contract/cloud/sizing.ts';
import type { Shared } from '../../shared.ts';
import type { Network } from '../network.ts';
import { NightjarFunction } from './nightjar-function.ts';

export type SourceFunctionsProps = {
  readonly source: SourceName;
  readonly config: SourceConfig;
  readonly shared: Shared;
  readonly code: { readonly backup: Code; readonly restore: Code; readonly drill: Code };
  readonly layer: ILayerVersion;
  /** @default - the public internet */
  readonly network?: Network | undefined;
};

/** Amazon EFS User Guide, using VPC security groups. */
const nfsPort = 2049;

/**
 * The functions of a source, or of a whole server for all its databases; no other source's secrets are open to them.
 * One backs up, one restores on request and, if `drillEvery` asks for proofs, one drills. If drills have their own
 * server, the drill function gets no secret of the source.
 */
export class SourceFunctions extends Construct {
  readonly backup: NightjarFunction;
  readonly restore: NightjarFunction;
  readonly drill: NightjarFunction | undefined;

  constructor(scope: Construct, id: string, { source, config, shared, code, layer, network }: SourceFunctionsProps) {
    super(scope, id);
    const { stack, vault, common, all } = shared;
    if ((config.cloud.size ?? 0) > largestBytes)
      Annotations.of(this).addWarningV2(
        'nightjar:size',
        `${source} may be too large for the 15 minutes of a function; it is tried, for the file says so ` +
          '(oversize: try)',
      );
    const lost = lostBackupWarning(config.watch.schedule!, config.timeZone);
    if (lost !== undefined) Annotations.of(this).addWarningV2('nightjar:clock', `sources.${source}.schedule: ${lost}`);
    const { encryption, signing, copies } = config;
    const place = placeOf(source, config);
    const isServer = wholeServer(config) !== undefined;
    const known = readServersStatements(vault, isServer ? [source] : []);
    const fromCopies = readCopiesStatements(shared.further, place, copies);
    const ofCopies = secretsOfCopies(all, copies);
    const further = shared.further.buckets.filter(({ name }) => copies.some((copy) => copy.vault === name));
    const packs = readPacksStatements([vault, ...further], [source, config]);
    const { drills, ...own } = factsOf(config);
    const both = (secrets: Parameters<typeof namesIn>[0]) => [
      ...vaultKeyStatements(this, vault.key, vault.region),
      ...secretStatements(this, all, namesIn(secrets)),
      ...loginStatements(this, config),
      ...tellingStatements(this, all),
    ];
    const environment = isServer ? { NIGHTJAR_SERVER: source } : {};
    const setting = { common, layer, network, environment, fileSystem: own.fileSystem };
    this.backup = new NightjarFunction(this, 'Backup', {
      ...setting,
      functionName: functionName(stack, 'backup', source),
      sizing: backupSizingOf(config),
      description: `Backs up ${source}: { "source": ${JSON.stringify(source)} }`,
      code: code.backup,
      statements: [
        ...backupStatements(vault, place),
        ...storePacksStatements(vault, [source, config]),
        ...known,
        ...(isServer ? [rememberServerStatement(vault, source)] : []),
        ...mountStatements(config, false),
        ...both([...own.secrets, signing.privateKey]),
        ...signingStatements(config),
      ],
      atOnce: all.cloud.reserveConcurrency ? 1 : undefined,
      retries: 2,
    });
    this.restore = new NightjarFunction(this, 'Restore', {
      ...setting,
      functionName: functionName(stack, 'restore', source),
      sizing: restoreSizingOf(config.cloud),
      description: `Restores ${source} into a new database: { "source": ${JSON.stringify(source)} }`,
      code: code.restore,
      statements: [
        ...restoreStatements(vault, place),
        ...known,
        ...fromCopies,
        ...packs,
        ...mountStatements(config, true),
        ...both([...own.secrets, encryption.identity, ...ofCopies]),
      ],
    });
    const drilling = [
      ...drillStatements(vault, place),
      ...known,
      ...fromCopies,
      ...packs,
      ...mountStatements(config, true),
      ...vaultKeyStatements(this, vault.key, vault.region),
      ...secretStatements(this, all, namesIn([...(drills ?? own).secrets, encryption.identity, ...ofCopies])),
      ...(drills === undefined ? loginStatements(this, config) : []),
      ...tellingStatements(this, all),
    ];
    this.drill =
      config.watch.drillEveryMs === undefined
        ? undefined
        : new NightjarFunction(this, 'Drill', {
            ...setting,
            functionName: functionName(stack, 'drill', source),
            sizing: restoreSizingOf(config.cloud),
            description: `Tries a backup of ${source} in a scratch database: { "source": ${JSON.stringify(source)} }`,
            code: code.drill,
            statements: drilling,
          });
    const port = own.server?.port ?? (own.fileSystem && nfsPort);
    if (network !== undefined && config.cloud.databaseSecurityGroup !== undefined && port !== undefined)
      network.admit(config.cloud.databaseSecurityGroup, port);
  }
}
