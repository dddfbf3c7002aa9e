import { CfnResource, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { SourceName } from '../core/domain/keys.ts';
import { stacksNeeded } from './plan/rooms.ts';

/** Resources in one stack, and bytes of its template (AWS CloudFormation quotas). */
const mostResources = 500;
const mostBytes = 1_000_000;

/** How full sources may make a stack, so that room is left for further and larger ones. */
const margin = 0.9;

/** How CDK renders a stack, and whether without indentation; there is no public API for either. */
type Inside = { _toCloudFormation(): unknown; _suppressTemplateIndentation: boolean };

/** Reports that a stack has become too large before CloudFormation does, and what to do. */
export function limitTemplate(
  scope: Construct,
  { sources: here, all, alarms }: { sources: number; all: readonly SourceName[]; alarms: 'each' | 'few' },
): void {
  scope.node.addValidation({
    validate() {
      const stack = Stack.of(scope);
      const resources = stack.node
        .findAll()
        .filter((one) => CfnResource.isCfnResource(one) && Stack.of(one) === stack).length;
      const { bytes, compact } = sizeOf(stack);
      const share = Math.max(resources / mostResources, bytes / mostBytes);
      if (share <= 1) return [];
      const what = `${here} sources make a`;
      const divide = `${alarms === 'each' ? 'write "alarms: few" below cloud, or ' : ''}${divided(all, here / share)}`;
      const shorter = compact
        ? ''
        : 'give its stack suppressTemplateIndentation: true, which leaves out the blanks; or ';
      return [
        ...(resources > mostResources
          ? [`${what} stack of ${resources} resources, and CloudFormation takes ${mostResources}: ${divide}`]
          : []),
        ...(bytes > mostBytes
          ? [`${what} template of ${bytes} bytes, and CloudFormation takes ${mostBytes}: ${shorter}${divide}`]
          : []),
      ];
    },
  });
}

/**
 * Further stacks for the sources, with so many in each; the first stack, which has what exists once, has no room for
 * them.
 */
function divided(all: readonly SourceName[], most: number): string {
  const fit = Math.floor(most * margin);
  return fit === 0
    ? 'divide the sources over several files, each with a cloud.stack and a vault prefix of its own (all but the ' +
        'first with bucket: existing)'
    : `write "stacks: ${stacksNeeded(all, fit)}" below cloud (about ${fit} sources fit into one stack as they are)`;
}

function sizeOf(stack: Stack): { bytes: number; compact: boolean } {
  const inside = stack as unknown as Inside;
  const compact = inside._suppressTemplateIndentation;
  const template = JSON.stringify(stack.resolve(inside._toCloudFormation()), undefined, compact ? undefined : 1);
  return { bytes: Buffer.byteLength(template), compact };
}
