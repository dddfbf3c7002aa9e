import type { Position } from '../../../contract/manifest/manifest.ts';
import type { ByteStream } from '../../../ports.ts';
import { rowsMark } from '../catalog/expected.ts';
import type { MariadbSession } from '../session.ts';

/** Reads the snapshot's position from the text of a dump as it passes. */
export type PositionReader = { watch(text: ByteStream): ByteStream; found(): Position[] };

const longestHead = 16_000;
const tailBytes = 8_000;
/** A replica of many servers has many GTIDs; a manifest holds no more. */
const longestGtids = 16_000;

/**
 * The server's position, read before the rows' snapshot is taken; `told-by-dump` if mariadb-dump can report the
 * position of its own snapshot (MariaDB with a binary log). It then asks the server as we do here, and must not be
 * refused: it would fail, or lock every table. GTIDs are listed only after they are done, so a later snapshot sees
 * them; the position in MySQL's binary log may be ahead of that, and is not used.
 */
export async function positionBefore(session: MariadbSession): Promise<Position[] | 'told-by-dump'> {
  try {
    if (session.server.product === 'MariaDB' && (await binlogAnswers(session))) return 'told-by-dump';
    const [row] = await session.rows(
      `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('gtid_executed', 'gtid_slave_pos')`,
    );
    const value = (row?.['Value'] ?? '').replace(/\s+/g, '');
    return value === '' || value.length > longestGtids ? [] : [{ name: 'gtid', value, relation: 'at-or-before' }];
  } catch {
    return []; // it is for information; a server that is gone is told by the next question
  }
}

async function binlogAnswers(session: MariadbSession): Promise<boolean> {
  const rows = await session.rows(`SHOW STATUS LIKE 'binlog\\_snapshot\\_%'`);
  const values = new Map(rows.map((row) => [row['Variable_name']?.toLowerCase(), row['Value']]));
  const [file, offset] = [values.get('binlog_snapshot_file'), values.get('binlog_snapshot_position')];
  if (!file || !offset) return false;
  const [answer] = await session.rows('SELECT BINLOG_GTID_POS(?, ?) AS gtid', [file, Number(offset)]);
  return typeof answer?.['gtid'] === 'string';
}

/**
 * A name may contain a newline and then look like such a line, above or below the rows: the last match is the
 * program's.
 */
const binlogLine = /^-- CHANGE MASTER TO MASTER_LOG_FILE='([^'\n]+)', MASTER_LOG_POS=(\d+);$/gm;
const gtidLine = /^-- SET GLOBAL gtid_slave_pos='([\d,-]+)';$/gm;

/** Reads the output of mariadb-dump for `--master-data=2`: a comment before all rows, and one after them. */
export function positionReader(): PositionReader {
  let head: string | undefined = '';
  let tail = Buffer.alloc(0);
  let binlog: string | undefined;
  return {
    async *watch(text) {
      for await (const bytes of text) {
        const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        if (head !== undefined) {
          head += chunk.toString('latin1', 0, longestHead);
          const rows = head.indexOf(`\n${rowsMark}`);
          const [, file, offset] = [...head.slice(0, rows < 0 ? undefined : rows).matchAll(binlogLine)].at(-1) ?? [];
          if (file !== undefined) binlog = `${file}:${offset}`;
          if (rows >= 0 || head.length >= longestHead) head = undefined;
        }
        tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes);
        yield bytes;
      }
    },
    found() {
      if (binlog === undefined) return [];
      const [, gtid] = [...tail.toString('latin1').matchAll(gtidLine)].at(-1) ?? [];
      return [
        ...(gtid === undefined ? [] : [{ name: 'gtid', value: gtid, relation: 'at' } as const]),
        { name: 'binlog', value: binlog, relation: 'at' },
      ];
    },
  };
}
