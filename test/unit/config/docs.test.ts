import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { configurationDocs } from '../../../bin/docs/configuration.ts';
import { editorSchema, editorSchemaText } from '../../../bin/docs/schema.ts';
import { parseConfig } from '../../../core/config-file.ts';

const file = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');

test('the example is a valid configuration', async () => {
  const config = parseConfig(await file('nightjar.example.yaml'), 'nightjar.example.yaml');

  expect([...config.sources.keys()]).toEqual(['shop', 'blog', 'notes']);
});

test('docs/configuration.md and the schema for editors are those of the code (else run: node bin/build-docs.ts)', async () => {
  expect(await file('docs/configuration.md')).toBe(
    configurationDocs(editorSchema(), await file('nightjar.example.yaml')),
  );
  expect(await file('docs/nightjar.schema.json')).toBe(editorSchemaText());
});

test('every key is described', () => {
  const undescribed: string[] = [];
  const walk = (schema: ReturnType<typeof editorSchema>, path: string): void => {
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      if (!property.description) undescribed.push(`${path}${key}`);
      for (const form of [property, ...(property.anyOf ?? [])]) walk(form, `${path}${key}.`);
      if (typeof property.additionalProperties === 'object') walk(property.additionalProperties, `${path}${key}.`);
    }
  };

  walk(editorSchema(), '');

  expect(undescribed).toEqual([]);
});
