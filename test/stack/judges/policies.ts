import { readable } from './readable.ts';
import type { Template } from '../synthesis.ts';
import { resourcesOf } from '../synthesis.ts';

export type Statement = {
  Sid?: string;
  Effect: string;
  Action: string[];
  Resource: string[];
  Condition: Record<string, Record<string, unknown>>;
  Principal?: unknown;
};
export type Policy = {
  /** What it belongs to: a function by its name, else the logical id. */ of: string;
  kind: 'identity' | 'resource' | 'trust';
  statements: Statement[];
};

type Document = {
  Statement: (Partial<Omit<Statement, 'Action' | 'Resource'>> & {
    Action: string | string[];
    Resource?: string | string[];
  })[];
};

/** Every policy of a template, readable. */
export function policiesOf(template: Template): Policy[] {
  const functions = new Map(
    resourcesOf(template, 'AWS::Lambda::Function').map(([, { Properties }]) => [
      String(readable(Properties['Role'], template)),
      String(Properties['FunctionName']),
    ]),
  );
  return Object.entries(template.Resources).flatMap(([id, { Type, Properties }]): Policy[] => {
    const at = (key: string): Document => readable(Properties[key], template) as Document;
    const named =
      functions.get(`arn:aws:iam::{account}:role/<${id.replace(/[0-9A-F]{8}$/, '')}>`) ??
      id.replace(/[0-9A-F]{8}$/, '');
    if (Type === 'AWS::IAM::Role') {
      const inline = (Properties['Policies'] ?? []) as { PolicyDocument: unknown }[];
      return [
        { of: named, kind: 'trust', statements: statementsOf(at('AssumeRolePolicyDocument')) },
        ...inline.map(
          ({ PolicyDocument }): Policy => ({
            of: named,
            kind: 'identity',
            statements: statementsOf(readable(PolicyDocument, template) as Document),
          }),
        ),
      ];
    }
    if (Type === 'AWS::IAM::Policy' || Type === 'AWS::IAM::ManagedPolicy')
      return [{ of: named, kind: 'identity', statements: statementsOf(at('PolicyDocument')) }];
    if (Properties?.['PolicyDocument'] !== undefined)
      return [{ of: named, kind: 'resource', statements: statementsOf(at('PolicyDocument')) }];
    return Properties?.['KeyPolicy'] !== undefined
      ? [{ of: named, kind: 'resource', statements: statementsOf(at('KeyPolicy')) }]
      : [];
  });
}

function statementsOf({ Statement }: Document): Statement[] {
  return Statement.map(({ Effect = '', Action, Resource = [], Condition = {}, ...rest }) => ({
    ...rest,
    Effect,
    Action: [Action].flat(),
    Resource: [Resource].flat(),
    Condition,
  }));
}
