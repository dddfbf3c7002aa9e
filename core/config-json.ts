import { checkConfig } from './contract/config/config.ts';
import type { Config } from './contract/config/config.ts';

/**
 * A configuration as a deployment writes it, in JSON, read without the parser of YAML, which costs a cold start as much
 * as a fifth of everything else. Undefined for any other, and for a wrong one: that parser says what is wrong, and where.
 */
export function configInJson(text: string): Config | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = checkConfig(document);
  return 'config' in result ? result.config : undefined;
}
