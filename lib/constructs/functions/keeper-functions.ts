import type { Code, ILayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { checkStatements, readRosterStatement, readServersStatements } from '../../rights/grants.ts';
import { lockStatements, rotateStatements } from '../../rights/grants.ts';
import { copyStatements, listCopiesStatements } from '../../rights/copies.ts';
import { copyPacksStatements, removePacksStatements } from '../../rights/packs.ts';
import { functionName } from '../../plan/names.ts';
import {
  accountStatements,
  mustCoverOf,
  secretStatements,
  tellingStatements,
  vaultKeyStatements,
} from '../../rights/rights.ts';
import { secretsOfCheck } from '../../rights/secrets.ts';
import type { Shared } from '../../shared.ts';
import { copySizingOf, smallSizing } from '../../../core/contract/cloud/sizing.ts';
import { NightjarFunction } from './nightjar-function.ts';

export type KeeperFunctionsProps = {
  readonly shared: Shared;
  readonly code: {
    readonly rotate: Code;
    readonly check: Code;
    readonly copy: Code;
  };
  /** Groups of schedules that the check looks at; the names of further groups begin with the first. */
  readonly scheduleGroups: readonly string[];
  /** The layer with the database clients: the check only reports when they are old. */
  readonly layer: ILayerVersion;
};

/**
 * The functions that work only in vaults, for all sources: one rotates, one checks and, if anything is copied, one
 * copies. They reach no database.
 */
export class KeeperFunctions extends Construct {
  readonly rotate: NightjarFunction;
  readonly check: NightjarFunction;
  readonly copy: NightjarFunction | undefined;

  constructor(scope: Construct, id: string, { shared, code, layer, scheduleGroups }: KeeperFunctionsProps) {
    super(scope, id);
    const { stack, vault, further, common, all } = shared;
    const [first = stack, ...others] = scheduleGroups;
    const both = (secrets: readonly string[]) => [
      ...vaultKeyStatements(this, vault.key, vault.region),
      ...secretStatements(this, all, secrets),
      ...tellingStatements(this, all),
    ];
    const { byTag } = all.cloud;
    // if databases are found by their tag or on whole servers, all of these functions know which
    const knowing = [
      ...(byTag === undefined ? [] : [readRosterStatement(vault)]),
      ...readServersStatements(vault, [...all.servers.keys()]),
    ];
    const environment = {
      ...(byTag !== undefined && { NIGHTJAR_ROSTER: 'on' }),
      ...(all.servers.size > 0 && { NIGHTJAR_SERVER: '*' }),
    };
    const setting = { sizing: smallSizing, common, environment };
    const mustCover = mustCoverOf(all.cloud);
    this.rotate = new NightjarFunction(this, 'Rotate', {
      ...setting,
      functionName: functionName(stack, 'rotate'),
      description: 'Removes the backups of a source that its retention no longer keeps: { "source": "…" }',
      code: code.rotate,
      statements: [
        ...rotateStatements(vault),
        ...removePacksStatements(vault, all.sources),
        ...lockStatements(vault, all.vault.objectLock),
        ...knowing,
        ...both([]),
      ],
      retries: 1,
    });
    this.check = new NightjarFunction(this, 'Check', {
      ...setting,
      functionName: functionName(stack, 'check'),
      description: 'Judges whether every source has a fresh backup, and tells what has changed: {}',
      code: code.check,
      environment: {
        ...environment,
        NIGHTJAR_SCHEDULES: [first, ...others.map((group) => group.slice(first.length))].join(' '),
        ...(mustCover !== undefined && { NIGHTJAR_MUST_COVER: mustCover }),
      },
      layer,
      statements: [
        ...checkStatements(vault),
        ...knowing,
        ...listCopiesStatements(further),
        ...accountStatements(this, all.cloud),
        ...both([...secretsOfCheck(all), ...further.secrets]),
      ],
      retries: 1,
    });
    this.copy = further.any
      ? new NightjarFunction(this, 'Copy', {
          common,
          environment,
          sizing: copySizingOf(
            [...all.sources.values()].flatMap(({ copies, cloud }) => (copies.length > 0 ? cloud : [])),
          ),
          functionName: functionName(stack, 'copy'),
          description: 'Brings further vaults the backups of a source that they should have: { "source": "…" }',
          code: code.copy,
          statements: [
            ...copyStatements(vault, further),
            ...copyPacksStatements(vault, further, all.sources),
            ...knowing,
            ...both(further.secrets),
          ],
          retries: 2,
        })
      : undefined;
  }
}
