import type { ByteStream } from '../../../ports.ts';
import { blocksOf } from './blocks.ts';

/**
 * A part made by pg_dump without its own transactions around large objects, whose first COMMIT would end the one that
 * the part is loaded in. Rows and quoted text are unchanged.
 */
export async function* withoutTransactions(dump: ByteStream): ByteStream {
  for await (const { copy, content } of blocksOf(dump)) {
    if (copy === undefined) yield* statements(content);
    else yield* content;
  }
}

async function* statements(content: ByteStream): ByteStream {
  let quoted = false;
  for await (const chunk of content) {
    const lines = Buffer.from(chunk)
      .toString('latin1')
      .split(/(?<=\n)/);
    const kept = lines.filter((line) => {
      const isOwn = !quoted && (line === 'BEGIN;\n' || line === 'COMMIT;\n');
      if (!line.startsWith('--') && !line.startsWith('SELECT pg_catalog.lowrite(') && line.split("'").length % 2 === 0)
        quoted = !quoted;
      return !isOwn;
    });
    yield Buffer.from(kept.join(''), 'latin1');
  }
}
