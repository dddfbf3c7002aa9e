import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import type { ByteStream, LoadFailure, Target } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import type { PostgresSession } from '../session.ts';
import { discardDatabase } from './discard.ts';
import { maintain } from './maintenance.ts';

const discardLimitMs = 30_000;

/**
 * Lets `work` make and fill a database under a free name, to see what this server makes of definitions; the database is
 * gone when this returns. Undefined: this role may not make a database.
 */
export async function inScratch<T>(
  login: Login,
  id: string,
  work: (scratch: Login) => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  return maintain(login, signal, async (holder) => {
    if (!(await mayMakeDatabases(holder))) return undefined;
    await dropLeftovers(holder, login);
    const scratch = { ...login, database: await scratchName(holder, id) };
    try {
      return await work(scratch);
    } finally {
      await discardDatabase(scratch, AbortSignal.timeout(discardLimitMs));
    }
  });
}

/** Whether `inScratch` has made this name; it touches nothing else on the server. */
export function isScratch({ database }: Pick<Login, 'database'>): boolean {
  return /^nightjar_proof_\d+_/.test(database);
}

/** Fills the scratch database with a backup's definitions, without rows. Returns what can't be made. */
export async function makeDefinitions(
  target: Target,
  open: (part: ManifestPart, signal: AbortSignal) => ByteStream,
  signal: AbortSignal,
): Promise<readonly LoadFailure[]> {
  try {
    if (target.state !== 'absent')
      throw new BackupError('restore-failed', `database ${target.database} is there already`, {
        hint: 'a run of ours that was killed has made it: drop it',
      });
    await target.prepare(false, signal);
    for (const step of target.stages.flat())
      if (step.part.role === 'schema') await step.load(open(step.part, signal), signal);
    return target.failures;
  } finally {
    await target.close();
  }
}

async function mayMakeDatabases(session: PostgresSession): Promise<boolean> {
  const [role] = await session.rows<{ may: boolean }>(
    'select rolsuper or rolcreatedb as may from pg_roles where rolname = current_user',
  );
  return role?.may === true;
}

/** Unique: the number is that of a session that lasts as long as the database. */
async function scratchName(holder: PostgresSession, id: string): Promise<string> {
  const [session] = await holder.rows<{ pid: number }>('select pg_backend_pid() as pid');
  return `nightjar_proof_${session!.pid}_${id}`;
}

/** Drops what killed runs have left: their sessions are gone. A database that another role made stays. */
async function dropLeftovers(holder: PostgresSession, login: Login): Promise<void> {
  const left = await holder.rows<{ database: string }>(`select datname as database from pg_database
    where datname ~ '^nightjar_proof_\\d+_\\d{8}T\\d{6}Z-[0-9a-f]{6}$' and pg_has_role(datdba, 'usage') and split_part(datname, '_', 3)::int not in (select pid from pg_stat_activity where pid <> pg_backend_pid())`);
  for (const { database } of left) await discardDatabase({ ...login, database }, AbortSignal.timeout(discardLimitMs));
}
