import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import type { AppProps } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { parse } from 'yaml';
import { afterSuite } from '../support/jest/after-suite.ts';
import { BackupStack } from '../../lib/backup-stack.ts';
import type { WrittenConfig } from '../../lib/read-config.ts';

export type Resource = {
  Type: string;
  Properties: Record<string, unknown>;
  DependsOn?: string | string[];
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
};
export type Template = {
  Resources: Record<string, Resource>;
  Outputs?: Record<string, unknown>;
  Parameters?: Record<string, unknown>;
};
export type Synthesised = { app: App; stack: BackupStack; template: Template; outdir: string };

export const examples = [
  'plain',
  'public-rds-iam',
  'private-vpc',
  'twenty-databases',
  'self-hosted',
  'by-tag',
  'whole-server',
] as const;
export type Example = (typeof examples)[number];

const folder = join(import.meta.dirname, '../../examples');

/** What stands in an example. */
export function exampleConfig(name: Example): WrittenConfig {
  return parse(readFileSync(join(folder, `${name}.yaml`), 'utf8')) as WrittenConfig;
}

/**
 * An app of CDK that only makes templates. It would run the rules of CloudFormation over each of them, and only warn:
 * templateProblems runs them where they are the subject, and nothing they find passes.
 */
export function quickApp(more: AppProps = {}): App {
  process.env['CDK_VALIDATION'] = 'false';
  return new App({ analyticsReporting: false, ...more });
}

/** The stack of a configuration, in this process; its folder goes with the suite. */
export function stackOf(config: WrittenConfig): { app: App; stack: BackupStack; outdir: string } {
  const outdir = mkdtempSync(join(tmpdir(), 'nightjar-infra-'));
  afterSuite(() => rmSync(outdir, { recursive: true, force: true }));
  const app = quickApp({ outdir });
  return { app, stack: withoutTraces(() => new BackupStack(app, { config, folder })), outdir };
}

/**
 * CDK keeps a stack trace of every construct, for its warnings, and Jest maps each of their lines: a quarter of the time
 * of a large stack.
 */
function withoutTraces<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The same, and its template; throws when cdk-nag (AwsSolutions) has something against it. */
export function synthesise(config: WrittenConfig): Synthesised {
  const { app, stack, outdir } = stackOf(config);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { app, stack, outdir, template: app.synth().getStackByName(stack.stackName).template as Template };
}

const made = new Map<Example, Synthesised>();

/** The stack of an example, synthesised once for a suite. */
export function exampleStack(name: Example): Synthesised {
  const found = made.get(name) ?? synthesise(exampleConfig(name));
  made.set(name, found);
  afterSuite(() => made.clear());
  return found;
}

/** Every resource of a type, with its logical id. */
export function resourcesOf({ Resources }: Template, type: string): [string, Resource][] {
  return Object.entries(Resources).filter(([, resource]) => resource.Type === type);
}
