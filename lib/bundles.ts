import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { BackupError } from '../core/domain/errors.ts';

/** The functions that there are. */
export const jobs = ['backup', 'restore', 'rotate', 'check'] as const;
export type Job = (typeof jobs)[number];

/** The configuration as the functions get it, and the files beside it that they need; paths relative to `folder`. */
export type Carried = { document: unknown; folder: string; files: readonly string[] };

const limitMs = 120_000;

/** The code of every function, with the configuration in it. `use` binds it to functions: the folders that it lies in are gone afterwards. */
export function withBundles<T>({ document, folder, files }: Carried, use: (code: Readonly<Record<Job, Code>>) => T): T {
  const bundles = bundlesFolder();
  const stage = mkdtempSync(join(tmpdir(), 'nightjar-bundles-'));
  try {
    for (const job of jobs) {
      cpSync(join(bundles, job), join(stage, job), { recursive: true });
      writeFileSync(join(stage, job, 'nightjar.yaml'), `${JSON.stringify(document, undefined, 2)}\n`);
      for (const file of files) {
        mkdirSync(dirname(join(stage, job, file)), { recursive: true });
        copyFileSync(join(folder, file), join(stage, job, file));
      }
    }
    const codeOf = (job: Job): Code => Code.fromAsset(join(stage, job));
    return use({ backup: codeOf('backup'), restore: codeOf('restore'), rotate: codeOf('rotate'), check: codeOf('check') });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

let built: string | undefined;

/** Where the bundles lie: beside this file in the package, else they are made from the sources, once for each process. */
function bundlesFolder(): string {
  const shipped = join(import.meta.dirname, '../functions');
  if (jobs.every((job) => existsSync(join(shipped, job, 'index.mjs')))) return shipped;
  return (built ??= build(join(shipped, 'bundle.ts')));
}

function build(script: string): string {
  const out = mkdtempSync(join(tmpdir(), 'nightjar-functions-'));
  process.once('exit', () => rmSync(out, { recursive: true, force: true }));
  const { status, stderr, error } = spawnSync(process.execPath, [script, out], { encoding: 'utf8', timeout: limitMs });
  if (status === 0) return out;
  throw new BackupError('internal', `the functions could not be bundled: ${stderr?.trim() || String(error)}`, { cause: error });
}
