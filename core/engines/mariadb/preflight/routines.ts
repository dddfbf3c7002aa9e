import type { Manifest } from '../../../contract/manifest/manifest.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Restorer } from '../failures/remedies.ts';
import { remedyFor } from '../failures/remedies.ts';
import { linesOf } from '../lines.ts';
import { unquoteName } from '../quoting.ts';
import { otherServer } from '../restore/loader.ts';
import type { MariadbSession } from '../session.ts';
import { few } from './obstacles.ts';
import type { Obstacle } from './obstacles.ts';

/** A routine of a dump: bytes as characters (latin1), and the statements that set how its text is read. */
type Routine = { name: string; statement: string; charset: string; settings: string[] };

const setting =
  /^\/\*!50003 (SET (?:character_set_client|collation_connection|sql_mode) += (?:\w+|'[\w,]*')) \*\/ ;\n$/;
const charsetIn = /^SET character_set_client += (\w+)$/;
const head =
  /^CREATE (?:DEFINER=(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")@(?:`(?:[^`]|``)*`|"(?:[^"]|"")*") )?(?:AGGREGATE )?(FUNCTION|PROCEDURE|PACKAGE(?: BODY)?) (?:IF NOT EXISTS )?(`(?:[^`]|``)*`|"(?:[^"]|"")*")/;
/** From this version on, MariaDB can prepare a statement that makes a routine (MDEV-16708); MySQL can't. */
const prepares = 100_602;

/**
 * The routines among these definitions that the server does not understand: each is prepared, and none is made. Needs a
 * session in `binary`. Empty if the server can't prepare such statements.
 */
export async function refusedRoutines(
  session: MariadbSession,
  definitions: ByteStream,
  restorer: Restorer,
  from: Manifest['server'],
): Promise<Obstacle[]> {
  const { product, number } = session.server;
  if (product !== 'MariaDB' || number < prepares) return [];
  const refused = new Map<string, { names: string[]; remedy: string | undefined }>();
  // a database has to be selected, and nobody can make anything in this one
  await session.rows('USE information_schema');
  for await (const routine of routinesIn(definitions)) {
    const error = await refusal(session, routine);
    if (error === undefined) continue;
    const { errno = 0, sqlMessage = '' } = error;
    const what = `ERROR ${errno}: ${sqlMessage.replace(/\s+/g, ' ')}`;
    const remedy = remedyFor(errno, restorer, what) ?? otherServer(from, restorer);
    const known = refused.get(what) ?? { names: [], remedy };
    refused.set(what, { ...known, names: [...known.names, routine.name] });
  }
  return [...refused].map(([what, { names, remedy }]) => ({
    what: `this server does not understand ${few(names)}: ${what}`,
    remedy,
  }));
}

type RoutineRefusal = { errno?: number; sqlState?: string; sqlMessage?: string };

async function refusal(session: MariadbSession, routine: Routine): Promise<RoutineRefusal | undefined> {
  const text = Buffer.from(routine.statement, 'latin1').toString('hex');
  try {
    for (const statement of routine.settings) await session.rows(statement);
    await session.rows(`SET @nightjar_trial = _${routine.charset} X'${text}'`);
    await session.rows('PREPARE nightjar_trial FROM @nightjar_trial');
    await session.rows('DEALLOCATE PREPARE nightjar_trial');
    return undefined;
  } catch (error) {
    const { cause } = error as { cause?: RoutineRefusal };
    if (cause?.sqlState === undefined) throw error;
    return cause;
  }
}

/** The routines of a dump, each up to the delimiter at which the client ends a statement. */
async function* routinesIn(definitions: ByteStream): AsyncGenerator<Routine> {
  let settings: string[] = [];
  let [charset, delimiter, text] = ['utf8mb4', ';', ''];
  for await (const lines of linesOf(definitions)) {
    for (const line of lines) {
      const [, next] = /^DELIMITER (\S+)\n/.exec(line) ?? [];
      if (next !== undefined) [delimiter, text] = [next, ''];
      else if (delimiter !== ';') {
        text += line;
        if (!line.trimEnd().endsWith(delimiter)) continue;
        const statement = text.trimEnd().slice(0, -delimiter.length);
        const [, kind, quoted] = head.exec(statement) ?? [];
        text = '';
        if (kind === undefined) continue;
        const name = Buffer.from(unquoteName(quoted!), 'latin1').toString();
        yield { name: `${kind.toLowerCase()} \`${name}\``, statement, charset, settings };
      } else {
        const [, statement] = setting.exec(line) ?? [];
        if (statement === undefined) continue;
        charset = charsetIn.exec(statement)?.[1] ?? charset;
        if (charsetIn.test(statement)) settings = [];
        settings = [...settings, statement];
      }
    }
  }
}
