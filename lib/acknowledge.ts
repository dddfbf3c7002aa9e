import { Stack, Validations } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/**
 * Why a statement (by its id) applies to more than one resource: the resource has no name yet when the stack is made.
 */
const reasons: Readonly<Record<string, string>> = {
  StoreParts:
    'Every backup has an id of its own, so a right is on a pattern: parts below the place of this one source, ' +
    'and each only once.',
  UploadParts:
    'Every backup has an id of its own, so a right is on a pattern: pieces of parts below the place of this one ' +
    'source.',
  ConfirmParts:
    'Every backup has an id of its own, so a right is on a pattern: parts below the place of this one source.',
  MakeItExist:
    'Every backup has an id of its own, so a right is on a pattern: manifests and records of failures of this ' +
    'one source, and each only once.',
  ReadBackups: 'Any backup may be restored: manifests and parts of this one source.',
  RecordProof:
    'Every backup has an id of its own, so a right is on a pattern: records of proofs of this one source, and ' +
    'each only once.',
  ReadRequests: 'Every request has a record of its own: those of restores of this one source.',
  RecordRequest: 'Every request has a record of its own: those of restores of this one source, and each only once.',
  ReadManifests:
    'Every backup has an id of its own, so a right is on a pattern: manifests alone, of one source for its ' +
    'backup, of all for rotation and check.',
  Tag:
    'Every backup has an id of its own, so a right is on a pattern: manifests and parts, of one source for its ' +
    'backup, of all for rotation.',
  Remove:
    'What Nightjar has stored, of every source, and nothing else in the bucket. Not versions: what is deleted ' +
    'stays for some time.',
  LengthenLocks:
    'Locks of every source: manifests and parts, and to no more days than the configuration has for a tier.',
  EndUploads: 'Uploads of parts, of every source: rotation is there for all of them.',
  ReadLedgers: 'Rotation is there for every source: what the vault remembers of each.',
  RememberBackups:
    'A check is there for every source: what the vault remembers of each, beside its backups, and nothing else.',
  HoldLease:
    'Databases by tag are not there yet when the stack is made: the leases of all of them, and of no other source.',
  HoldLeases: 'The leases of every source: leftovers are swept under the lease of their source.',
  ReadAllBackups: 'Copies are made of every source: its manifests and parts, and nothing else in the bucket.',
  HoldLeasesOfCopies: 'Copies are made of every source: the leases that they have in further vaults.',
  AddParts: 'Every backup has an id of its own, so a right is on a pattern: parts in further vaults, each only once.',
  UploadCopies: 'Every backup has an id of its own, so a right is on a pattern: pieces of parts in further vaults.',
  CompareCopies: 'Every backup has an id of its own, so a right is on a pattern: parts in further vaults.',
  AddManifests:
    'Every backup has an id of its own, so a right is on a pattern: manifests in further vaults, each only once.',
  ReadCopies:
    'Every backup has an id of its own, so a right is on a pattern: manifests in further vaults, and of one source for ' +
    'its restores and drills parts, too.',
  TagCopies: 'Every backup has an id of its own, so a right is on a pattern: manifests and parts in further vaults.',
  RememberWhatWasTold:
    'Each notifier has an outbox of its own, called by a digest of its address, which no policy knows: outboxes ' +
    'alone, and no right to delete them.',
  WriteLog: 'Streams of the own log group; Lambda makes them and gives them their names.',
  Trace: 'Segments of X-Ray are no resource (Service Authorization Reference, AWS X-Ray).',
  JoinNetwork:
    'Lambda itself does this with the role, to network interfaces that are not there yet; the statement ' +
    'ByLambdaAlone denies it to the function.',
  Mount:
    'The file system behind one access point, which the condition names: its own name is not in the configuration.',
  LookAtSchedules: 'Listing schedules knows no resource (Service Authorization Reference, EventBridge Scheduler).',
  LookAtDatabases:
    'Which databases nobody backs up shows only to whoever may list all of them; nothing of them is read.',
  LogInByTag:
    'Databases by tag are not there yet when the stack is made. Each lets this one user in or not, by itself, and the ' +
    'action knows no tags (Service Authorization Reference, Amazon RDS IAM Authentication).',
  ShowAlarms: 'Alarms of this stack, by the beginning of their names.',
  ShowGraphs: 'Metrics are no resource (Service Authorization Reference, CloudWatch).',
};

/** Answers findings of checks (cdk-nag's AwsSolutions) with the reason why each is intended. */
export function acknowledge(construct: IConstruct, answers: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(answers)) Validations.of(construct).acknowledge({ id, reason });
}

/** Answers for each wildcard in the statements of a role. */
export function acknowledgeWildcards(role: IConstruct, statements: readonly PolicyStatement[]): void {
  for (const { sid = '', resources } of statements) {
    const reason = reasons[sid];
    if (reason === undefined) continue;
    for (const resource of resources.map((one) => flat(Stack.of(role).resolve(one))).filter((one) => one.includes('*')))
      acknowledge(role, { [`AwsSolutions-IAM5[Resource::${resource}]`]: reason });
  }
}

/** An ARN as checks write it: references in angle brackets. */
function flat(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('Ref' in value) return `<${String(value.Ref)}>`;
  if ('Fn::GetAtt' in value) return `<${(value['Fn::GetAtt'] as string[]).join('.')}>`;
  return 'Fn::Join' in value ? (value['Fn::Join'] as [string, unknown[]])[1].map(flat).join('') : JSON.stringify(value);
}
