import { createHash } from 'node:crypto';
import { Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { SourceName } from '../../core/domain/keys.ts';

/** A stack, or our part of one, and the sources whose functions, schedules and alarms it has. */
export type StackRoom = {
  readonly scope: Construct;
  /** The prefix of its schedules, alarms and dashboard. */
  readonly name: string;
  readonly sources: readonly SourceName[];
  /** Whether it also has what exists once for all stacks. */
  readonly isFirst: boolean;
};

/**
 * Everything in one stack; or, beside the first, this many further stacks with the sources. A source always stays in
 * the same stack, whichever others come and go: function names are unique, so a function can't move between stacks.
 */
export function roomsOf(scope: Construct, name: string, sources: readonly SourceName[], stacks: number): StackRoom[] {
  if (stacks === 0) return [{ scope, name, sources, isFirst: true }];
  const further = Array.from({ length: stacks }, (_, index) => ({
    name: `${name}-${index + 1}`,
    sources: sources.filter((source) => placeAmong(stacks, source) === index),
  }));
  return [
    { scope, name, sources: [], isFirst: true },
    ...further
      .filter((one) => one.sources.length > 0)
      .map((one) => ({ ...one, scope: new Construct(beside(scope, one.name), 'Backups'), isFirst: false })),
  ];
}

/** How many further stacks are needed so that none has more than `most` of the sources. */
export function stacksNeeded(sources: readonly SourceName[], most: number): number {
  let stacks = Math.max(1, Math.ceil(sources.length / most));
  while (largestShare(sources, stacks) > most) stacks += 1;
  return stacks;
}

function largestShare(sources: readonly SourceName[], stacks: number): number {
  const counts = Object.groupBy(sources, (source) => placeAmong(stacks, source));
  return Math.max(0, ...Object.values(counts).map((here = []) => here.length));
}

function placeAmong(stacks: number, source: SourceName): number {
  return createHash('sha256').update(source).digest().readUInt32BE() % stacks;
}

/** Another stack in the same place; what it needs of the first one it gets as exports, which never change. */
function beside(scope: Construct, name: string): Stack {
  const { node, account, region } = Stack.of(scope);
  return new Stack(node.scope ?? scope, name, {
    suppressTemplateIndentation: true,
    description: 'Nightjar: the functions of some of its sources',
    env: {
      ...(!Token.isUnresolved(account) && { account }),
      ...(!Token.isUnresolved(region) && { region }),
    },
  });
}
