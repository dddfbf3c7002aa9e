import { CfnResource, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Resources in one stack (AWS CloudFormation quotas). */
const most = 500;

/** Says before CloudFormation does that a stack has become too large, and what to do. */
export function limitResources(scope: Construct, sources: number): void {
  scope.node.addValidation({
    validate() {
      const all = Stack.of(scope)
        .node.findAll()
        .filter((one) => CfnResource.isCfnResource(one) && Stack.of(one) === Stack.of(scope)).length;
      if (all <= most) return [];
      return [
        `${sources} sources make a stack of ${all} resources, and CloudFormation takes ${most}: write "alarms: few" below cloud, or divide the sources over two files, each with a cloud.stack and a vault prefix of its own (the second with bucket: existing)`,
      ];
    },
  });
}
