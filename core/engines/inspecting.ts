import { guarded } from '../pipeline/guard.ts';
import type { Grammar } from '../pipeline/guard.ts';
import type { DumpReader } from '../pipeline/rows/reader.ts';
import type { Inspection } from '../ports.ts';

/** Data parts may hold only what their grammar allows; other parts are not judged. */
export function inspecting(grammar: Grammar, reader: () => DumpReader): Inspection {
  return {
    inspect: (part, content) => (part.role === 'data' ? guarded(content, grammar, part.file) : content),
    reader,
  };
}
