import { readFile, writeFile } from 'node:fs/promises';
import { configurationDocs } from './docs/configuration.ts';
import { editorSchema, editorSchemaText } from './docs/schema.ts';

const at = (path: string) => new URL(`../${path}`, import.meta.url);

await writeFile(at('docs/nightjar.schema.json'), editorSchemaText());
await writeFile(
  at('docs/configuration.md'),
  configurationDocs(editorSchema(), await readFile(at('nightjar.example.yaml'), 'utf8')),
);
