import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const project = join(import.meta.dirname, '../../../..');
const limitMs = 240_000;

/**
 * Synthesises the stack of a configuration as `cdk synth` does, with the project's own app and context; returns the
 * folder of the assembly.
 */
export async function synthesised(configuration: object, folder: string): Promise<string> {
  const file = join(folder, 'nightjar.yaml');
  const out = join(folder, 'cdk.out');
  await writeFile(file, JSON.stringify(configuration));
  const { context } = JSON.parse(await readFile(join(project, 'cdk.json'), 'utf8')) as {
    context?: Record<string, unknown>;
  };
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    CDK_OUTDIR: out,
    CDK_CONTEXT_JSON: JSON.stringify({ ...context, config: file }),
  };
  await promisify(execFile)(process.execPath, [join(project, 'bin/app.ts')], {
    cwd: project,
    env,
    timeout: limitMs,
    maxBuffer: 16 * 1024 * 1024,
  });
  return out;
}
