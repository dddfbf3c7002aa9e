import { BackupError } from '../../../domain/errors.ts';
import type { ByteStream } from '../../../ports.ts';
import { withoutDefiner } from '../catalog/definition.ts';
import { encoded, escaped, isForeign } from './text/foreign-text.ts';
import { withoutLastSemicolon } from '../catalog/last-semicolon.ts';
import { bytesOf, linesOf } from '../lines.ts';
import { byteText, plainWord, quoteName } from '../quoting.ts';
import type { TextRow, MariadbSession } from '../session.ts';
import { isHere } from '../exact-names.ts';

const trailer = '/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;';

/** An event as in the information schema, and as SHOW CREATE EVENT prints it, in bytes. */
type FoundEvent = { name: string; comment: string; row: TextRow };

/**
 * All events as mariadb-dump would print them; undefined if it can do that itself. Some of its versions hang on an
 * event with two semicolons in a row (they look for a delimiter), and all spoil comments made by a client whose
 * character set is not UTF-8, and look for another database if the name of this one has a quote or a backslash (they
 * escape it as a text). Latin1 text: bytes as characters.
 */
export async function eventsText(session: MariadbSession): Promise<string | undefined> {
  const [database] = await session.rows('SELECT @@collation_database AS collation, DATABASE() AS name');
  const found = await session.rows(
    `SELECT EVENT_NAME AS name, EVENT_COMMENT AS comment, CHARACTER_SET_CLIENT AS charset FROM information_schema.EVENTS
      WHERE ${isHere('EVENT_SCHEMA')} ORDER BY EVENT_NAME`,
  );
  const events: FoundEvent[] = [];
  for (const { name, comment } of found) {
    const [row = {}] = await session.bytes(`SHOW CREATE EVENT ${quoteName(name ?? '')}`);
    events.push({ name: name ?? '', comment: comment ?? '', row });
  }
  const isSpoilt = found.some(({ comment, charset }) => isForeign(comment, charset));
  const isMissed = found.length > 0 && /['"\\\n\r\u001a]/.test(database?.['name'] ?? '');
  if (!isSpoilt && !isMissed && events.every(({ row }) => !row['Create Event']?.includes(';;'))) return undefined;
  const blocks = [];
  for (const event of events) blocks.push(...(await blockOf(event, database?.['collation'] ?? '', session)));
  return [
    '/*!50106 SET @save_time_zone= @@TIME_ZONE */ ;',
    ...blocks,
    '/*!50106 SET TIME_ZONE= @save_time_zone */ ;',
    '',
  ].join('\n');
}

/** The lines of a dump without events, with this text before its end. */
export async function* withEvents(dump: ByteStream, text: string): ByteStream {
  let inBody = false;
  for await (const lines of linesOf(dump)) {
    for (const line of lines) {
      if (line.startsWith('DELIMITER ')) inBody = line !== 'DELIMITER ;\n';
      yield bytesOf(!inBody && line.startsWith(trailer) ? [text, line] : [line]);
    }
  }
}

const quoted = '(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")';
const literal = `'(?:[^'\\\\]|\\\\.|'')*'`;
const status = '(?:NOT )?PRESERVE (?:ENABLE|DISABLE(?: ON SLAVE| ON REPLICA)?)';
const schedule = `ON SCHEDULE (?:${literal}|[^'"\`])*? ON COMPLETION ${status}`;
const shown = new RegExp(`^CREATE EVENT ${quoted} (${schedule})(?: COMMENT ${literal})? DO (.*)$`, 's');

/**
 * The clauses before an event's body, in the character set of the client that made it; SHOW CREATE prints them in
 * UTF-8.
 */
async function clauses({ name, comment, row }: FoundEvent, session: MariadbSession) {
  const charset = plainWord(row['character_set_client'] ?? '');
  const { text: definition, definer } = withoutDefiner(withoutLastSemicolon(row['Create Event'] ?? ''));
  const [whole, when, body] = shown.exec(definition) ?? [];
  if (whole === undefined) {
    const message = `the server prints event ${quoteName(name)} in an unknown way`;
    throw new BackupError('source-unsupported', message, { hint: 'report this, with SHOW CREATE EVENT' });
  }
  const title = await encoded(session, quoteName(name), charset);
  const remark = comment === '' ? '' : ` COMMENT '${await encoded(session, escaped(comment), charset)}'`;
  return { definer, text: `EVENT ${title} ${when}${remark} DO ${body}` };
}

/** The statement that makes an event, from SHOW CREATE EVENT in bytes. Latin1 text, without settings. */
export async function eventStatement(session: MariadbSession, name: string, row: TextRow): Promise<string> {
  const [found] = await session.rows(
    `SELECT EVENT_COMMENT AS comment FROM information_schema.EVENTS WHERE ${isHere('EVENT_SCHEMA')} AND EVENT_NAME = ?`,
    [name],
  );
  const { definer, text } = await clauses({ name, comment: found?.['comment'] ?? '', row }, session);
  return `CREATE ${definer === undefined ? '' : `DEFINER=${definer} `}${text}`;
}

const idle = new RegExp(
  `^(CREATE (?:DEFINER=${quoted}@${quoted} )?EVENT ${quoted} ON SCHEDULE (?:${literal}|[^'"\`])*? ON COMPLETION ` +
    `(?:NOT )?PRESERVE )DISABLE(?= (?:COMMENT|DO) )`,
  's',
);

/** The same statement for an event that runs. */
export function runningEvent(statement: string): string {
  return statement.replace(idle, '$1ENABLE');
}

/** One event with the settings that its meaning depends on, and with the session's own restored after it. */
async function blockOf(
  { name, comment, row: event }: FoundEvent,
  collation: string,
  session: MariadbSession,
): Promise<string[]> {
  const [charset, own] = [plainWord(event['character_set_client'] ?? ''), event['Database Collation'] ?? ''];
  const { definer, text } = await clauses({ name, comment, row: event }, session);
  const around = (name: string) => (own === collation ? [] : [`ALTER DATABASE COLLATE ${plainWord(name)} ;`]);
  return [
    `/*!50106 DROP EVENT IF EXISTS ${byteText(quoteName(name))} */;`,
    ...around(own),
    '/*!50003 SET @saved_cs_client      = @@character_set_client */ ;',
    '/*!50003 SET @saved_cs_results     = @@character_set_results */ ;',
    '/*!50003 SET @saved_col_connection = @@collation_connection */ ;',
    `/*!50003 SET character_set_client  = ${charset} */ ;`,
    `/*!50003 SET character_set_results = ${charset} */ ;`,
    `/*!50003 SET collation_connection  = ${plainWord(event['collation_connection'] ?? '')} */ ;`,
    '/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;',
    `/*!50003 SET sql_mode              = '${event['sql_mode']}' */ ;`,
    '/*!50003 SET @saved_time_zone      = @@time_zone */ ;',
    `/*!50003 SET time_zone             = '${event['time_zone']}' */ ;`,
    'DELIMITER ;;',
    `/*!50106 CREATE*/ /*!50117 ${definer === undefined ? '' : `DEFINER=${definer}`}*/ /*!50106 ${text} `,
    '*/ ;;',
    'DELIMITER ;',
    '/*!50003 SET time_zone             = @saved_time_zone */ ;',
    '/*!50003 SET sql_mode              = @saved_sql_mode */ ;',
    '/*!50003 SET character_set_client  = @saved_cs_client */ ;',
    '/*!50003 SET character_set_results = @saved_cs_results */ ;',
    '/*!50003 SET collation_connection  = @saved_col_connection */ ;',
    ...around(collation),
  ];
}
