import type pg from 'pg';

export type ServerStream = pg.Connection['stream'];

/**
 * A statement for the driver, sent as the bytes that it is. `begun`: the server waits for rows on this stream. `ended`:
 * resolves with the server's command tag; rejects with the server's error, or why there is no answer.
 */
export type PostgresQuestion = pg.Submittable & {
  begun: Promise<ServerStream>;
  ended: Promise<string>;
  isOver(): boolean;
};

/** The beginning of a protocol message (PostgreSQL manual, 54.7): its kind, and its length without the kind. */
export function messageHead(kind: string, bytes: number): Buffer {
  const head = Buffer.allocUnsafe(5);
  head.write(kind, 0, 'latin1');
  head.writeUInt32BE(bytes + 4, 1);
  return head;
}

/** One statement, in bytes without NUL; only the end of its answer is read. */
export function question(statement: Uint8Array): PostgresQuestion {
  const [begun, ended] = [Promise.withResolvers<ServerStream>(), Promise.withResolvers<string>()];
  let over = false;
  let done = '';
  const nothing = () => {};
  const handlers = {
    submit({ stream }: pg.Connection) {
      stream.write(Buffer.concat([messageHead('Q', statement.length + 1), statement, Buffer.alloc(1)]));
    },
    handleRowDescription: nothing,
    handleDataRow: nothing,
    handleCommandComplete: ({ text }: { text: string }) => void (done = text),
    handleEmptyQuery: nothing,
    handleCopyInResponse: ({ stream }: pg.Connection) => begun.resolve(stream),
    handleReadyForQuery() {
      over = true;
      ended.resolve(done);
    },
    handleError(error: unknown) {
      over = true;
      ended.reject(error);
    },
  };
  return { ...handlers, begun: begun.promise, ended: ended.promise, isOver: () => over };
}
