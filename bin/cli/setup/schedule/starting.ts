import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Config } from '../../../../core/contract/config/config.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { plural } from '../../../../core/domain/units.ts';
import type { WorkFolder } from '../layer.ts';

/**
 * How a timer starts the command line. Paths are absolute; `environment`: the file with the variables, if there is one.
 */
export type Starting = {
  node: string;
  program: string;
  configuration: string;
  folder: string;
  environment: string | undefined;
};

/**
 * The file of variables beside the configuration, in Node's format: `NAME=value`, with quotes around values that
 * contain `#` or blanks.
 */
const environmentFile = 'nightjar.env';

/** How a timer starts this program, without variables. */
export function startingOf({ configuration, folder }: WorkFolder): Starting {
  return { node: process.execPath, program: process.argv[1]!, configuration, folder, environment: undefined };
}

/** The same with the variables of the file beside the configuration, and what is wrong with that file. */
export async function startingWith(
  config: Config,
  place: WorkFolder,
): Promise<{ starting: Starting; lacking?: BackupError }> {
  const file = join(place.folder, environmentFile);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const given = parseEnv(text ?? '');
  const missing = [...variablesIn(config)].filter((name) => (given[name] ?? '') === '');
  const isOpen = text !== undefined && ((await stat(file)).mode & 0o077) !== 0;
  const lacking = missing.length > 0 ? without(file, missing, text !== undefined) : isOpen ? open(file) : undefined;
  const starting = { ...startingOf(place), environment: text === undefined ? undefined : file };
  return { starting, ...(lacking && { lacking }) };
}

/** The command of a job, word by word. */
export function wordsOf({ node, program, configuration, environment }: Starting, args: readonly string[]): string[] {
  // Node reads the file, because systemd quotes differently and a shell would run what it reads
  const variables = environment === undefined ? [] : [`--env-file=${environment}`];
  return [node, ...variables, '--max-semi-space-size=2', program, '--config', configuration, ...args];
}

function without(file: string, missing: readonly string[], isThere: boolean): BackupError {
  const what = `${plural(missing.length, 'secret')} of the configuration: ${missing.join(', ')}`;
  return new BackupError(
    'config-invalid',
    isThere
      ? `${file} does not set ${what}`
      : `a timer has no environment of yours, and there is no ${file} with ${what}`,
    {
      hint: 'write a line NAME=value for each into that file, and chmod 600 it; or keep secrets in files: { file: … }',
    },
  );
}

function open(file: string): BackupError {
  return new BackupError('config-invalid', `${file} holds secrets, and others than its owner may read it`, {
    hint: `chmod 600 ${file}`,
  });
}

/** The environment variables that a configuration refers to. */
function variablesIn(value: unknown): Set<string> {
  if (value instanceof Map) return variablesIn([...value.values()]);
  if (typeof value !== 'object' || value === null) return new Set();
  const { env } = value as { env?: unknown };
  const own = typeof env === 'string' && Object.keys(value).length === 1 ? [env] : [];
  return new Set([...own, ...Object.values(value).flatMap((one) => [...variablesIn(one)])]);
}
