import type { Catalog, Compared } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import type { Login } from '../../login.ts';
import { readCatalog } from '../catalog/catalog.ts';
import { inScratch, makeDefinitions } from '../database/scratch.ts';
import { withSession } from '../session.ts';
import { openTarget } from '../restore/target.ts';

/** What a server makes of definitions; `whole`: it refused none of them. */
export type ScratchCatalog = { catalog: Catalog; whole: boolean };

/**
 * What this server makes of a backup's definitions alone, in a database that is gone when this returns. Undefined: this
 * role may not make a database.
 */
export async function madeFrom(
  login: Login,
  tools: Tools,
  compared: Compared,
  signal: AbortSignal,
): Promise<ScratchCatalog | undefined> {
  return inScratch(
    login,
    compared.manifest.id,
    async (scratch) => {
      const whole = await load(scratch, tools, compared, signal);
      return {
        whole,
        catalog: await withSession(scratch, signal, (session) => readCatalog(session, compared.expected)),
      };
    },
    signal,
  );
}

/** Loads as a restore does, without rows. False if something could not be made and is missing. */
async function load(
  scratch: Login,
  tools: Tools,
  { manifest, expected, owners, open }: Compared,
  signal: AbortSignal,
): Promise<boolean> {
  const options = { manifest, catalog: expected, owners, tablespaces: false, keepGoing: true };
  const failures = await makeDefinitions(await openTarget(scratch, tools, options, signal), open, signal);
  return failures.length === 0;
}
