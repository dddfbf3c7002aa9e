import type { Resource, Template } from '../synthesis.ts';

const pseudo: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::Region': '{region}',
  'AWS::AccountId': '{account}',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': '{stack}',
  'AWS::NoValue': '',
};

/**
 * A value of a template as it will be when it is deployed, as far as that is known: references become names and ARNs.
 * Throws for a reference to nothing.
 */
export function readable(value: unknown, template: Template): unknown {
  if (Array.isArray(value)) return value.map((one) => readable(one, template));
  if (typeof value !== 'object' || value === null) return value;
  const [[key, inner] = ['', undefined], ...more] = Object.entries(value);
  if (more.length === 0 && key === 'Ref') return referred(String(inner), template);
  if (more.length === 0 && key === 'Fn::GetAtt') return attribute(inner as [string, string], template);
  if (more.length === 0 && key === 'Fn::Join') return joined(inner as [string, unknown[]], template);
  if (more.length === 0 && key === 'Fn::Sub')
    return String(inner).replace(/\$\{([\w:]+)\}/g, (_, name: string) => referred(name, template));
  if (key.startsWith('Fn::')) throw new Error(`nobody reads ${key} here yet`);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, readable(one, template)]));
}

function joined([separator, values]: [string, unknown[]], template: Template): string {
  return values.map((one) => String(readable(one, template))).join(separator);
}

function referred(name: string, template: Template): string {
  if (name in pseudo) return pseudo[name]!;
  if (template.Parameters !== undefined && name in template.Parameters) return `{${name}}`;
  const resource = resourceOf(name, template);
  const properties = readable(resource.Properties ?? {}, template) as Record<string, string>;
  if (resource.Type === 'AWS::SNS::Topic') return arnOf(name, resource, template);
  if (resource.Type === 'AWS::SQS::Queue')
    return `https://sqs.{region}.amazonaws.com/{account}/${properties['QueueName']}`;
  return (
    properties['Name'] ??
    properties['FunctionName'] ??
    properties['BucketName'] ??
    properties['LogGroupName'] ??
    properties['DashboardName'] ??
    `<${plain(name)}>`
  );
}

function attribute([name, attributeName]: [string, string], template: Template): string {
  const resource = resourceOf(name, template);
  if (attributeName === 'Arn') return arnOf(name, resource, template);
  if (attributeName === 'QueueName' || attributeName === 'TopicName')
    return String(readable(resource.Properties[attributeName], template));
  return `<${plain(name)}.${attributeName}>`;
}

function arnOf(name: string, { Type, Properties }: Resource, template: Template): string {
  const of = (key: string): string => String(readable(Properties[key], template));
  const here = '{region}:{account}';
  switch (Type) {
    case 'AWS::S3::Bucket':
      return `arn:aws:s3:::${of('BucketName')}`;
    case 'AWS::SNS::Topic':
      return `arn:aws:sns:${here}:${of('TopicName')}`;
    case 'AWS::SQS::Queue':
      return `arn:aws:sqs:${here}:${of('QueueName')}`;
    case 'AWS::Lambda::Function':
      return `arn:aws:lambda:${here}:function:${of('FunctionName')}`;
    case 'AWS::Logs::LogGroup':
      return `arn:aws:logs:${here}:log-group:${of('LogGroupName')}:*`;
    case 'AWS::KMS::Key':
      return `arn:aws:kms:${here}:key/<${plain(name)}>`;
    case 'AWS::IAM::Role':
      return `arn:aws:iam::{account}:role/<${plain(name)}>`;
    case 'AWS::CloudWatch::Alarm':
      return `arn:aws:cloudwatch:${here}:alarm:${of('AlarmName')}`;
    default:
      throw new Error(`nobody knows here what the ARN of ${Type} is`);
  }
}

function resourceOf(name: string, { Resources }: Template): Resource {
  const found = Resources[name];
  if (found === undefined) throw new Error(`there is no resource ${name}`);
  return found;
}

/** A logical id without the digest at its end. */
function plain(name: string): string {
  return name.replace(/[0-9A-F]{8}$/, '');
}
