import { createRequire } from 'node:module';
import { meaningProblems } from './meaning-problems.ts';
import { networkProblems } from './network-problems.ts';
import { policyProblems } from './policy-problems.ts';
import { specProblems } from './spec-problems.ts';
import type { Template } from '../synthesis.ts';

type Diagnostic = { ruleId: string; severity: string; message: string; entity?: { logicalId?: string } };
type Validator = {
  CompositeEngine: new () => { validateTemplate(template: unknown): { diagnostics: Diagnostic[] } };
  TemplateContent: new (content: string) => unknown;
};

const ofCdk = createRequire(createRequire(import.meta.url).resolve('aws-cdk-lib/package.json'));
const { CompositeEngine, TemplateContent } = ofCdk('@aws/cloudformation-validate') as Validator;
/** CDK itself writes what these would have shorter: dependencies that a reference makes already. */
const ofTaste = ['W3005'];
let engine: InstanceType<Validator['CompositeEngine']> | undefined;

/**
 * Everything that is known against a template, without asking AWS: its specification, its rules (cfn-lint's), its
 * reference of rights, and sense.
 */
export async function templateProblems(template: Template): Promise<string[]> {
  return [...(await quickProblems(template)), ...ruleProblems(template)];
}

/** All of it but the rules, which take their time. */
export async function quickProblems(template: Template): Promise<string[]> {
  return [
    ...(await specProblems(template)),
    ...(await attempted(() => policyProblems(template))),
    ...(await attempted(async () => meaningProblems(template))),
    ...(await attempted(async () => networkProblems(template))),
  ];
}

function ruleProblems(template: Template): string[] {
  engine ??= new CompositeEngine();
  const { diagnostics } = engine.validateTemplate(new TemplateContent(JSON.stringify(template)));
  return diagnostics
    .filter(({ severity, ruleId }) => ['ERROR', 'FATAL', 'WARN'].includes(severity) && !ofTaste.includes(ruleId))
    .map(({ ruleId, message, entity }) => `${entity?.logicalId ?? 'the template'}: ${message} (${ruleId})`);
}

/** A template that is too broken to be read has that as its problem. */
async function attempted(check: () => Promise<string[]>): Promise<string[]> {
  return check().catch((error: unknown) => [String(error)]);
}
