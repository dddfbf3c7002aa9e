import type { Code, ILayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { byTagPrefix } from '../../../core/contract/cloud/by-tag.ts';
import type { ByTag } from '../../../core/contract/cloud/by-tag.ts';
import type { SourceConfig } from '../../../core/contract/config/config.ts';
import { factsOf } from '../../../core/contract/config/sources/source-facts.ts';
import { functionName } from '../../plan/names.ts';
import { restoreSizingOf, sizingOf, smallSizing } from '../../../core/contract/cloud/sizing.ts';
import { backupStatements, drillStatements, restoreStatements } from '../../rights/grants.ts';
import { readRosterStatement, rosterStatements } from '../../rights/grants.ts';
import {
  listDatabasesStatement,
  loginByTagStatement,
  secretStatements,
  signingStatements,
  startStatement,
  tellingStatements,
  vaultKeyStatements,
} from '../../rights/rights.ts';
import { namesIn } from '../../rights/secrets.ts';
import type { Shared } from '../../shared.ts';
import type { Network } from '../network.ts';
import type { KeeperFunctions } from './keeper-functions.ts';
import { NightjarFunction } from './nightjar-function.ts';

export type ByTagFunctionsProps = {
  readonly byTag: ByTag;
  /** A sample of the sources, with the settings that the configuration gives all of them. */
  readonly sample: SourceConfig;
  readonly shared: Shared;
  readonly code: { readonly 'by-tag': Code; readonly backup: Code; readonly restore: Code; readonly drill: Code };
  readonly layer: ILayerVersion;
  readonly network: Network;
  readonly keepers: Pick<KeeperFunctions, 'rotate' | 'copy'>;
};

/** The place in the vault of everything found by its tag, and of nothing that is configured. */
const place = `${byTagPrefix}*/`;
const ports = [5432, 3306];

/**
 * The functions for databases that are found by their tag: one decides and reaches no database; the others reach all of
 * these, and no configured source.
 */
export class ByTagFunctions extends Construct {
  readonly look: NightjarFunction;
  readonly backup: NightjarFunction;
  readonly restore: NightjarFunction;
  readonly drill: NightjarFunction | undefined;
  readonly sample: SourceConfig;

  constructor(scope: Construct, id: string, props: ByTagFunctionsProps) {
    super(scope, id);
    const { byTag, sample, shared, code, layer, network, keepers } = props;
    const { stack, vault, common, all } = shared;
    this.sample = sample;
    const { encryption, signing } = sample;
    const environment = { NIGHTJAR_ROSTER: 'on' };
    const both = (secrets: Parameters<typeof namesIn>[0]) => [
      readRosterStatement(vault),
      ...vaultKeyStatements(this, vault.key, vault.region),
      ...secretStatements(this, all, namesIn(secrets)),
      loginByTagStatement(this, byTag.user),
      ...tellingStatements(this, all),
    ];
    const setting = { common, layer, network, environment };
    const named = (job: string) => functionName(stack, `by-tag-${job}`);
    this.backup = new NightjarFunction(this, 'Backup', {
      ...setting,
      functionName: named('backup'),
      sizing: sizingOf(sample.cloud),
      description: 'Backs up a database that was found by its tag: { "source": "rds.…" }',
      code: code.backup,
      statements: [...backupStatements(vault, place), ...both([signing.privateKey]), ...signingStatements(sample)],
      retries: 2,
    });
    this.restore = new NightjarFunction(this, 'Restore', {
      ...setting,
      functionName: named('restore'),
      sizing: restoreSizingOf(sample.cloud),
      description: 'Restores a database that was found by its tag into a new one: { "source": "rds.…" }',
      code: code.restore,
      statements: [...restoreStatements(vault, place), ...both([encryption.identity])],
    });
    this.drill =
      sample.watch.drillEveryMs === undefined
        ? undefined
        : new NightjarFunction(this, 'Drill', {
            ...setting,
            functionName: named('drill'),
            sizing: restoreSizingOf(sample.cloud),
            description: 'Tries a backup of a database that was found by its tag: { "source": "rds.…" }',
            code: code.drill,
            statements: [
              ...drillStatements(vault, place),
              ...both([...(factsOf(sample).drills?.secrets ?? []), encryption.identity]),
            ],
          });
    const copy = sample.copies.length > 0 ? keepers.copy : undefined;
    const started = { backup: this.backup, rotate: keepers.rotate, copy, drill: this.drill };
    const functions = Object.entries(started).flatMap(([job, made]) =>
      made === undefined ? [] : [[job, made.fn] as const],
    );
    this.look = new NightjarFunction(this, 'Look', {
      common,
      sizing: smallSizing,
      functionName: functionName(stack, 'by-tag'),
      description: 'Looks which databases have the tag, and starts what is due of them: {}',
      code: code['by-tag'],
      environment: {
        ...environment,
        NIGHTJAR_STARTS: JSON.stringify(Object.fromEntries(functions.map(([job, fn]) => [job, fn.functionName]))),
      },
      statements: [
        ...rosterStatements(vault),
        listDatabasesStatement(this),
        startStatement(functions.map(([, fn]) => fn.functionArn)),
        ...vaultKeyStatements(this, vault.key, vault.region),
        ...secretStatements(this, all),
        ...tellingStatements(this, all),
      ],
      retries: 1,
    });
    for (const group of byTag.securityGroups) for (const port of ports) network.admit(group, port);
  }
}
