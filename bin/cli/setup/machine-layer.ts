import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError, isBackupError, messageOf } from '../../../core/domain/errors.ts';
import type { ToolsFacts } from '../../../core/domain/tools/notices.ts';
import { readToolsFacts } from '../../../core/tools.ts';

const lambdaPlace = '/opt';
/** A check must not wait for a slow mirror. */
const archiveLimitMs = 15_000;

export const machineLayer = process.arch === 'arm64' ? 'arm64' : 'x86_64';

/**
 * The folder of the binary layer: NIGHTJAR_TOOLS, else /opt where Lambda puts it, else one that is built here (once;
 * later runs find it in the cache). `own`: the file of pins beside the configuration.
 */
export async function findLayer(
  env: NodeJS.ProcessEnv,
  own: string | undefined,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const given = await givenLayer(env);
  if (given !== undefined) return given;
  if (process.platform !== 'linux') {
    throw new BackupError('tools-missing', `the database clients run on Linux, not on ${process.platform}`, {
      hint: 'run Nightjar on Linux or in a Linux container',
    });
  }
  const { cacheRoot, dbToolsLayer, pinRule } = await import('../../../layers/db-tools/index.ts');
  return dbToolsLayer(machineLayer, { rule: pinRule(env), own }, report, signal).catch((error: unknown) => {
    throw isBackupError(error)
      ? error
      : new BackupError(
          'tools-missing',
          `the database clients can't be kept ${placeOf(() => cacheRoot(env))}: ${messageOf(error)}`,
          {
            hint:
              'name a folder with 100 MB of space that this user may write to: export NIGHTJAR_CACHE=/path; or ' +
              'one that holds the clients: NIGHTJAR_TOOLS',
            cause: error,
          },
        );
  });
}

/** A user may have no home to keep a cache in. */
function placeOf(cache: () => string): string {
  try {
    return `in ${cache()}`;
  } catch {
    return 'anywhere, for this user has no home';
  }
}

/** What is known of that layer, without building it. A mirror that does not answer soon counts as not asked. */
export async function layerFacts(
  env: NodeJS.ProcessEnv,
  own: string | undefined,
  signal: AbortSignal,
): Promise<ToolsFacts> {
  const given = await givenLayer(env);
  if (given !== undefined) return readToolsFacts(given);
  const { chooseLock, inspectLayer, securityFixes } = await import('../../../layers/db-tools/index.ts');
  const chosen = await chooseLock(own);
  const { lock } = chosen;
  const { folder, state } = await inspectLayer(machineLayer, chosen);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(archiveLimitMs)]);
  const fixes = await securityFixes(lock, machineLayer, limit).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return undefined;
  });
  return {
    pinnedAt: new Date(lock.at),
    fixes,
    authorities: state === 'whole' ? (await readToolsFacts(folder)).authorities : undefined,
  };
}

async function givenLayer(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (env['NIGHTJAR_TOOLS']) return env['NIGHTJAR_TOOLS'];
  return access(join(lambdaPlace, 'nightjar/db-tools.json')).then(
    () => lambdaPlace,
    () => undefined,
  );
}
