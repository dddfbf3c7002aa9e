import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { parse } from 'yaml';
import { parseConfig } from '../core/config-file.ts';
import { cloudProblems } from '../core/contract/cloud/problems.ts';
import { BackupError, isBackupError, messageOf } from '../core/domain/errors.ts';
import { BackupStack } from '../lib/backup-stack.ts';
import type { WrittenConfig } from '../lib/read-config.ts';

const usual = 'nightjar.yaml';

try {
  synthesise();
} catch (error) {
  console.error(
    `error: ${messageOf(error)}${isBackupError(error) && error.hint !== undefined ? `\n  hint: ${error.hint}` : ''}`,
  );
  process.exitCode = 1;
}

/** The CDK app: reads nightjar.yaml, or the file that `-c config=path` names, and makes its stack. */
function synthesise(): void {
  const app = new App();
  const named = app.node.tryGetContext('config') as string | undefined;
  const path = named ?? (existsSync(usual) ? usual : missing());
  const text = readText(path);
  parseConfig(text, path, cloudProblems);
  new BackupStack(app, { config: parse(text) as WrittenConfig, folder: dirname(resolve(path)) });
}

/**
 * No example replaces a missing configuration: deploying it over an existing stack would replace that stack's
 * functions.
 */
function missing(): never {
  const [alike] = readdirSync('.').filter((name) => /^\.?nightjar\.(ya?ml|json)$/i.test(name));
  throw new BackupError('config-invalid', `there is no ${usual} in ${process.cwd()}`, {
    hint:
      alike === undefined
        ? `cp examples/plain.yaml ${usual} and write your own databases into it, or name another file: npx cdk ` +
          'synth -c config=path'
        : `there is ${alike}: rename it to ${usual}, or name it: npx cdk synth -c config=${alike}`,
  });
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
