import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Annotations, App } from 'aws-cdk-lib';
import { parse } from 'yaml';
import { parseConfig } from '../core/config-file.ts';
import { cloudProblems } from '../core/contract/cloud/problems.ts';
import { BackupError, isBackupError, messageOf } from '../core/domain/errors.ts';
import { BackupStack } from '../lib/backup-stack.ts';
import type { WrittenConfig } from '../lib/read-config.ts';

const usual = 'nightjar.yaml';
const example = 'examples/plain.yaml';

try {
  synthesise();
} catch (error) {
  console.error(
    `error: ${messageOf(error)}${isBackupError(error) && error.hint !== undefined ? `\n  hint: ${error.hint}` : ''}`,
  );
  process.exitCode = 1;
}

/** The CDK app: reads nightjar.yaml, or what `-c config=path` names, and makes its stack. */
function synthesise(): void {
  const app = new App();
  const named = app.node.tryGetContext('config') as string | undefined;
  const path = named ?? (existsSync(usual) ? usual : example);
  const text = readText(path);
  parseConfig(text, path, cloudProblems);
  const stack = new BackupStack(app, { config: parse(text) as WrittenConfig, folder: dirname(resolve(path)) });
  if (path === example && named === undefined)
    Annotations.of(stack).addWarningV2(
      'nightjar:example',
      `there is no ${usual} here, so this is ${example}: copy it to ${usual} and write your own databases into it`,
    );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new BackupError('config-invalid', `the configuration ${path} can't be read`, {
      hint: `write ${usual}, or name another file: npx cdk synth -c config=path`,
      cause,
    });
  }
}
