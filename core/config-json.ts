import { checkConfig } from './contract/config/config.ts';
import type { Config } from './contract/config/config.ts';

/**
 * A configuration that a deployment wrote, as JSON. Read without the YAML parser, which costs a cold start a fifth of
 * everything else. Undefined for any other text and for an invalid configuration: the YAML parser then says what is
 * wrong, and where.
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
