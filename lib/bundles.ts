import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { BackupError } from '../core/domain/errors.ts';

/** All functions. */
export const jobs = ['backup', 'restore', 'drill', 'rotate', 'copy', 'check', 'by-tag'] as const;
export type Job = (typeof jobs)[number];

/** The configuration for the functions, and the files beside it that they need; paths are relative to `folder`. */
export type Carried = { document: unknown; folder: string; files: readonly string[] };

/** An asset for each function; CDK requires one per stack. */
export type FunctionCode = Readonly<Record<Job, Code>>;

/** Files of all bundles, by their path. */
type Bundles = ReadonlyMap<string, Buffer>;

const limitMs = 120_000;

/**
 * The code of every function, including the configuration. `use` binds it to functions; afterwards its temporary
 * folders are removed.
 */
export function withBundles<T>({ document, folder, files }: Carried, use: (newCode: () => FunctionCode) => T): T {
  const bundles = allBundles();
  return inTemporaryFolder((stage) => {
    for (const [path, content] of bundles) {
      mkdirSync(dirname(join(stage, path)), { recursive: true });
      writeFileSync(join(stage, path), content);
    }
    for (const job of jobs) {
      writeFileSync(join(stage, job, 'nightjar.yaml'), `${JSON.stringify(document, undefined, 2)}\n`);
      for (const file of files) {
        mkdirSync(dirname(join(stage, job, file)), { recursive: true });
        copyFileSync(join(folder, file), join(stage, job, file));
      }
    }
    const codeOf = (job: Job): Code => Code.fromAsset(join(stage, job));
    return use(() => ({
      backup: codeOf('backup'),
      restore: codeOf('restore'),
      drill: codeOf('drill'),
      rotate: codeOf('rotate'),
      copy: codeOf('copy'),
      check: codeOf('check'),
      'by-tag': codeOf('by-tag'),
    }));
  });
}

let built: Bundles | undefined;

/** The bundles: in the package they lie beside this file, else they are made from the sources, once per process. */
function allBundles(): Bundles {
  const shipped = join(import.meta.dirname, '../functions');
  if (jobs.every((job) => existsSync(join(shipped, job, 'index.mjs')))) return bundlesIn(shipped);
  return (built ??= inTemporaryFolder((out) => bundled(join(shipped, 'bundle.ts'), out)));
}

function bundled(script: string, out: string): Bundles {
  const { status, stderr, error } = spawnSync(process.execPath, [script, out], { encoding: 'utf8', timeout: limitMs });
  if (status !== 0)
    throw new BackupError('internal', `the functions could not be bundled: ${stderr?.trim() || String(error)}`, {
      cause: error,
    });
  return bundlesIn(out);
}

function bundlesIn(folder: string): Bundles {
  return new Map(
    jobs.flatMap((job) =>
      readdirSync(join(folder, job)).map((name): [string, Buffer] => [
        join(job, name),
        readFileSync(join(folder, job, name)),
      ]),
    ),
  );
}

function inTemporaryFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-bundles-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
