import { Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { NightjarBackups } from './nightjar-backups.ts';
import { deployable } from './read-config.ts';
import type { WrittenConfig } from './read-config.ts';

export type BackupStackProps = {
  /** The content of `nightjar.yaml`. */
  readonly config: WrittenConfig;
  /** Folder of that file. */
  readonly folder: string;
};

/** A stack for a configuration, named and placed by its `cloud`. */
export class BackupStack extends Stack {
  readonly backups: NightjarBackups;

  constructor(scope: Construct, { config, folder }: BackupStackProps) {
    const { cloud } = deployable(config);
    super(scope, cloud.stack, {
      // without it, thirty databases in private networks would exceed CloudFormation's limit
      suppressTemplateIndentation: true,
      description: 'Nightjar: database backups that prove themselves',
      ...environmentOf(cloud),
    });
    this.backups = new NightjarBackups(this, 'Backups', { ...config, folder });
  }
}

function environmentOf({ account, region }: { account?: string | undefined; region?: string | undefined }): StackProps {
  if (account === undefined && region === undefined) return {};
  return { env: { ...(account !== undefined && { account }), ...(region !== undefined && { region }) } };
}
