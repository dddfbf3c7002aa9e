import { descriptorOf } from '../../../engines/index.ts';
import type { SourceFacts } from '../../../engines/descriptor.ts';
import type { SourceConfig } from '../config.ts';

/** What a source's engine says about it, for callers that must not ask which engine it is. */
export function factsOf(source: SourceConfig): SourceFacts {
  return descriptorOf(source.engine).describe(source);
}
