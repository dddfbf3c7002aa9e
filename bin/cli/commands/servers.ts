import { collected } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { oneLine } from '../../../core/domain/lines.ts';
import { failureDocument } from '../text/failure.ts';
import { isServer } from '../names.ts';
import type { CommandSession } from '../session.ts';
import { told } from '../told.ts';

/**
 * Lists the databases of the named whole servers, or of all, before they are backed up. If that fails, what is known of
 * the server is backed up all the same.
 */
export async function lookAtServers(
  names: readonly string[],
  session: CommandSession,
  signal: AbortSignal,
): Promise<{ document: object; failures: unknown[] }> {
  const { nightjar, out } = session;
  const asked =
    names.length === 0 ? [...nightjar.config.servers.keys()] : names.filter((name) => isServer(name, nightjar));
  const results: object[] = [];
  const failures: unknown[] = [];
  for (const server of asked as SourceName[]) {
    try {
      results.push(await lookAtOne(server, session, signal));
    } catch (error) {
      failures.push(error);
      results.push({ server, error: failureDocument(error) });
      out.fail(error);
    }
  }
  return { document: asked.length === 0 ? {} : { servers: results }, failures };
}

async function lookAtOne(server: SourceName, session: CommandSession, signal: AbortSignal): Promise<object> {
  const { nightjar, out } = session;
  async function work(): Promise<object> {
    const { known, news, failures } = await nightjar.lookAt(server, nightjar, signal);
    for (const { label, text } of news) out.say(`${server}  ${label.toLowerCase()}: ${oneLine(text)}`);
    // a database that nobody backs up is a failure, and reported as one
    if (failures.length > 0) throw collected(failures);
    return { server, databases: known.databases, news };
  }
  // a look is no backup: its success is only reported if it had failed before
  const asLook = (found: object) => ({ status: 'looked', ...found });
  return told({ verb: 'backup', source: server }, work, asLook, session, signal);
}
