import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Answers findings of checks (cdk-nag's AwsSolutions): why each is as it should be. */
export function acknowledge(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons)) Validations.of(construct).acknowledge({ id, reason });
}

/** The wildcards that stay in the roles of functions, each bound as far as its service can. */
export function acknowledgeWildcards(construct: IConstruct): void {
  acknowledge(construct, { 'AwsSolutions-IAM5': 'Keys of backups are made anew each night, so rights are on patterns of keys; each pattern lies below the place of one source, or names one kind of object.' });
}
