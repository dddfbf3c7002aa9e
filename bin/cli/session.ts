import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportFailure } from '../../core/telling/run-and-report.ts';
import type { Gathering } from '../../core/telling/run-and-report.ts';
import type { Nightjar } from '../../core/compose.ts';
import { parseConfig, toldByText } from '../../core/config-file.ts';
import { inVault } from '../../core/contract/config/vaults/in-vault.ts';
import type { Config, ToldBy } from '../../core/contract/config/config.ts';
import { BackupError, messageOf } from '../../core/domain/errors.ts';
import type { Verb } from '../../core/domain/messages/run.ts';
import { pinsFileName } from '../../core/domain/tools/notices.ts';
import { thisIdentity } from '../../core/holder.ts';
import { commandLine } from './command-line.ts';
import { findLayer, layerFacts } from './setup/machine-layer.ts';
import type { Output } from './text/output.ts';

/** The default configuration file. */
export const defaultConfiguration = 'nightjar.yaml';

/**
 * What a command works with. `cwd`: the folder that paths of its command line are relative to. `gathering`: for a
 * command with several runs, the messages to send together.
 */
export type CommandSession = { nightjar: Nightjar; config: Config; out: Output; cwd: string; gathering?: Gathering };

/**
 * Reads the configuration and composes Nightjar for it, or for the work in a further `vault`; for a `verb`, a failure
 * of that is reported. `patient`: also works if the vault can't be opened. Throws `config-invalid`, `secret-missing`,
 * and `input-invalid` for an unknown vault.
 */
export async function openSession(
  file: string,
  { verb, vault, patient = false }: { verb?: Verb | undefined; vault?: string | undefined; patient?: boolean },
  { out, env, cwd }: { out: Output; env: NodeJS.ProcessEnv; cwd: string },
  signal: AbortSignal,
): Promise<CommandSession> {
  const path = resolve(cwd, file);
  const text = await readConfig(path);
  const folder = dirname(path);
  const pins = join(folder, pinsFileName);
  const host = {
    env,
    folder,
    identity: thisIdentity(),
    layer: (stop: AbortSignal) => findLayer(env, pins, (line) => out.note(line), stop),
    toolsFacts: (stop: AbortSignal) => layerFacts(env, pins, stop),
    said: (line: string) => out.note(line),
    keysFolder: () => keysFolder(env),
    runbook: runbookFile(),
    configuration: configurationToName(file, cwd) && path,
    workingIn: vault,
  };
  async function failed(error: unknown, told: ToldBy): Promise<unknown> {
    if (verb === undefined || told.notify.length + told.hooks.length === 0) return error;
    const { openMemory, openTelling } = await import('../../core/compose.ts');
    const memory = await openMemory(told, host, signal);
    const telling = { ...openTelling(told, host), ...commandLine(host.identity.run, out, signal) };
    return reportFailure({ verb }, error, 0, { ...telling, store: () => memory?.store }).finally(() => memory?.close());
  }
  let config: Config;
  try {
    config = parseConfig(text, file);
  } catch (error) {
    throw await failed(error, toldByText(text));
  }
  // loads the libraries of vaults, so mistakes in the configuration are reported before
  const { compose, unknownVault } = await import('../../core/compose.ts');
  if (vault !== undefined) {
    const there = inVault(config, vault);
    if (there === undefined) throw unknownVault(vault, config);
    config = there;
  }
  const nightjar = await compose(config, host, signal, { patient }).catch(async (error: unknown) => {
    throw await failed(error, config);
  });
  return { nightjar, config, out, cwd };
}

/** The configuration as it was named, if suggested commands have to name it, too. */
export function configurationToName(file: string, cwd: string): string | undefined {
  return resolve(cwd, file) === resolve(cwd, defaultConfiguration) ? undefined : file;
}

/** Beside the database clients, or where systemd gives a service its cache folder (systemd.exec(5)). */
async function keysFolder(env: NodeJS.ProcessEnv): Promise<string> {
  const [ofService] = env['CACHE_DIRECTORY']?.split(':') ?? [];
  if (env['NIGHTJAR_CACHE']) return resolve(env['NIGHTJAR_CACHE'], 'list-keys');
  if (ofService) return ofService;
  const { cacheRoot } = await import('../../layers/db-tools/index.ts');
  return `${resolve(cacheRoot(env))}-keys`;
}

/** Below the program's own folder, in a clone as in a package. */
function runbookFile(): string | undefined {
  const path = fileURLToPath(new URL('../../docs/runbook.md', import.meta.url));
  return existsSync(path) ? path : undefined;
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'EISDIR'
        ? `${path} is a folder, and no configuration`
        : `the configuration ${path} can't be read: ${messageOf(cause)}`;
    throw new BackupError('config-invalid', code === 'ENOENT' ? `there is no configuration ${path}` : why, {
      hint: 'write one (nightjar.example.yaml is an example), or name it with --config',
      cause,
    });
  }
}
