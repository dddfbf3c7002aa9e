import { CfnResource, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Resources in one stack, and bytes of its template (AWS CloudFormation quotas). */
const mostResources = 500;
const mostBytes = 1_000_000;

/** What CDK makes of a stack, and whether it writes that without blanks; no public word tells either. */
type Inside = { _toCloudFormation(): unknown; _suppressTemplateIndentation: boolean };

/** Says before CloudFormation does that a stack has become too large, and what to do. */
export function limitTemplate(
  scope: Construct,
  { sources, alarms }: { sources: number; alarms: 'each' | 'few' },
): void {
  scope.node.addValidation({
    validate() {
      const stack = Stack.of(scope);
      const resources = stack.node
        .findAll()
        .filter((one) => CfnResource.isCfnResource(one) && Stack.of(one) === stack).length;
      const { bytes, compact } = sizeOf(stack);
      const share = Math.max(resources / mostResources, bytes / mostBytes);
      const fewer = alarms === 'each' ? 'write "alarms: few" below cloud, or ' : '';
      const divide = `${fewer}divide the sources over several files (about ${Math.floor(sources / share)} fit into one as they are), each with a cloud.stack and a vault prefix of its own (all but the first with bucket: existing)`;
      return [
        ...(resources > mostResources
          ? [
              `${sources} sources make a stack of ${resources} resources, and CloudFormation takes ${mostResources}: ${divide}`,
            ]
          : []),
        ...(bytes > mostBytes
          ? [
              `${sources} sources make a template of ${bytes} bytes, and CloudFormation takes ${mostBytes}: ${compact ? divide : `give its stack suppressTemplateIndentation: true, which leaves out the blanks; or ${divide}`}`,
            ]
          : []),
      ];
    },
  });
}

function sizeOf(stack: Stack): { bytes: number; compact: boolean } {
  const inside = stack as unknown as Inside;
  const compact = inside._suppressTemplateIndentation;
  const template = JSON.stringify(stack.resolve(inside._toCloudFormation()), undefined, compact ? undefined : 1);
  return { bytes: Buffer.byteLength(template), compact };
}
