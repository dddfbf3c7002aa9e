import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import type { Catalog, Compared } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import type { Login } from '../../login.ts';
import { readCatalog } from '../catalog/catalog.ts';
import { discardDatabase } from '../database/discard.ts';
import { maintain } from '../database/maintenance.ts';
import { withSession } from '../session.ts';
import type { PostgresSession } from '../session.ts';
import { openTarget } from '../restore/target.ts';

const discardLimitMs = 30_000;

/** What a server makes of definitions; `whole`: nothing of them was refused. */
export type ScratchCatalog = { catalog: Catalog; whole: boolean };

/**
 * What this server makes of a backup's definitions alone, in a database that is gone when this returns. Undefined: this
 * role may make no database.
 */
export async function madeFrom(
  login: Login,
  tools: Tools,
  compared: Compared,
  signal: AbortSignal,
): Promise<ScratchCatalog | undefined> {
  return maintain(login, signal, async (holder) => {
    if (!(await mayMakeDatabases(holder))) return undefined;
    await dropLeftovers(holder, login);
    const scratch = { ...login, database: await scratchName(holder, compared.manifest) };
    try {
      const whole = await load(scratch, tools, compared, signal);
      return {
        whole,
        catalog: await withSession(scratch, signal, (session) => readCatalog(session, compared.expected)),
      };
    } finally {
      await discardDatabase(scratch, AbortSignal.timeout(discardLimitMs));
    }
  });
}

/** The same way that a restore goes, without its rows; what can't be made is missing then, and the answer is false. */
async function load(
  scratch: Login,
  tools: Tools,
  { manifest, expected, owners, open }: Compared,
  signal: AbortSignal,
): Promise<boolean> {
  const target = await openTarget(
    scratch,
    tools,
    { manifest, catalog: expected, owners, tablespaces: false, keepGoing: true },
    signal,
  );
  try {
    if (target.state !== 'absent')
      throw new BackupError('restore-failed', `database ${scratch.database} is there already`, {
        hint: 'it was made by a proof: drop it',
      });
    await target.prepare(false, signal);
    for (const step of target.stages.flat())
      if (step.part.role === 'schema') await step.load(open(step.part, signal), signal);
    return target.failures.length === 0;
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

/** No two proofs have the same: the number is that of a session that lasts as long as the database. */
async function scratchName(holder: PostgresSession, { id }: Manifest): Promise<string> {
  const [session] = await holder.rows<{ pid: number }>('select pg_backend_pid() as pid');
  return `nightjar_proof_${session!.pid}_${id}`;
}

/** Drops what proofs have left that were killed: their sessions are gone. One that another role made stays. */
async function dropLeftovers(holder: PostgresSession, login: Login): Promise<void> {
  const left = await holder.rows<{ database: string }>(`select datname as database from pg_database
    where datname ~ '^nightjar_proof_\\d+_\\d{8}T\\d{6}Z-[0-9a-f]{6}$' and pg_has_role(datdba, 'usage') and split_part(datname, '_', 3)::int not in (select pid from pg_stat_activity where pid <> pg_backend_pid())`);
  for (const { database } of left) await discardDatabase({ ...login, database }, AbortSignal.timeout(discardLimitMs));
}
