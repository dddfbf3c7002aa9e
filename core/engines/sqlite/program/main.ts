import { answers } from './answers.ts';
import type { Asked, Refusal, Reply } from './questions.ts';

// Runs in its own process: SQLite blocks while it works, and its locks belong to the whole process, which loses them
// when anything in it closes the same file.

process.on('message', (asked: Asked) => {
  const reply = replyTo(asked);
  process.send?.(reply);
});
// the parent is gone
process.on('disconnect', () => process.exit());

function replyTo({ id, ask, given }: Asked): Reply {
  try {
    return { id, answer: answers[ask](given as never) };
  } catch (error) {
    return { id, refusal: refusalOf(error) };
  }
}

function refusalOf(error: unknown): Refusal {
  const { errcode, message } = error as { errcode?: unknown; message?: unknown };
  return { code: typeof errcode === 'number' ? errcode : 0, message: String(message ?? error) };
}
