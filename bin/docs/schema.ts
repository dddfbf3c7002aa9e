import * as z from 'zod';
import { configSchema } from '../../core/contract/config/config.ts';

/** As much of JSON Schema as the configuration needs. */
export type Schema = {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  anyOf?: Schema[];
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
};

/** The JSON Schema of `nightjar.yaml` for editors, as written (defaults not filled in). */
export function editorSchema(): Schema {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-07',
    reused: 'inline',
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return { title: 'Nightjar configuration', ...schema } as Schema;
}

/** The schema as text, for `docs/nightjar.schema.json`. */
export function editorSchemaText(): string {
  return `${JSON.stringify(editorSchema(), undefined, 2)}\n`;
}
