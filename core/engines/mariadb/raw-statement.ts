import type mysql from 'mysql2/promise';

/** What is used of the driver beyond its types. */
type Driver = {
  createQuery(
    options: { sql: string },
    values: undefined,
    done: (error: unknown) => void,
    config: unknown,
  ): DriverQuery;
};
type DriverQuery = { start(packet: unknown, wire: Wire): unknown; resultsetHeader: unknown };
type Wire = {
  write(bytes: Uint8Array): void;
  writePacket(packet: { buffer: Uint8Array; length(): number; writeHeader(sequence: number): void }): void;
};
type Core = { constructor: unknown; config: unknown; query(command: DriverQuery): void };

const commandQuery = 3;
/** One more byte needs a second packet. */
const longestPacket = 0xffffff;

/**
 * Sends a statement as bytes, which must not change until the answer is there. The driver takes text and encodes it
 * again: for rows, both would be garbage as large as the rows (docs/performance.md). So its own command is started and
 * ended here.
 */
export function sendStatement(connection: mysql.Connection, statement: Uint8Array): Promise<void> {
  if (statement.length + 1 >= longestPacket) throw new Error('a statement of 16 MB and more is none for this');
  const { connection: core } = connection as unknown as { connection: Core };
  return new Promise((resolve, reject) => {
    const command = (core.constructor as Driver).createQuery(
      { sql: '' },
      undefined,
      (error) => (error === null || error === undefined ? resolve() : reject(error)),
      core.config,
    );
    command.start = (_, wire) => {
      const packet = {
        buffer: statement,
        length: () => statement.length,
        writeHeader: (sequence: number) => wire.write(headOf(statement, sequence)),
      };
      wire.writePacket(packet);
      return command.resultsetHeader;
    };
    core.query(command);
  });
}

/** Length and number of the packet, and the command (MariaDB documentation, COM_QUERY). */
function headOf(statement: Uint8Array, sequence: number): Buffer {
  const head = Buffer.alloc(5);
  head.writeUIntLE(statement.length + 1, 0, 3);
  head[3] = sequence;
  head[4] = commandQuery;
  return head;
}
