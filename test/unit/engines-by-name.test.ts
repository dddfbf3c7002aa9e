import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { engineNames } from '../../core/engines/index.ts';

const root = join(import.meta.dirname, '../..');
/**
 * Who may name an engine: the engines, the readers of their rows, the demo, which starts servers of two kinds, the list
 * of the layer's programs, one of which is called like an engine, and the examples of places that `init` prints.
 */
const mayName =
  /^core\/(engines|pipeline\/rows)\/|^bin\/demo\/|^core\/tools\.ts$|^bin\/cli\/(setup\/init\/|grammar\/setup\.ts$)/;

test('nobody outside of the engines names one', async () => {
  const files = await Promise.all(['core', 'bin', 'functions', 'lib'].map(typescriptBelow));

  const found = await Promise.all(files.flat().map(namesIn));

  expect(engineNames.length).toBeGreaterThan(1);
  expect(found.flat()).toEqual([]);
});

test.each([
  "if (engine === 'mariadb') return",
  'const ports = { postgres: 5432 };',
  'source.postgres?.host',
  "engine === 'files'",
])('this would be found: %s', (text) => expect(namesOf(text)).toHaveLength(1));

async function typescriptBelow(folder: string): Promise<string[]> {
  const all = await readdir(join(root, folder), { recursive: true });
  return all.filter((file) => file.endsWith('.ts')).map((file) => `${folder}/${file}`);
}

async function namesIn(file: string): Promise<string[]> {
  if (mayName.test(file)) return [];
  return namesOf(await readFile(join(root, file), 'utf8')).map((line) => `${file}: ${line}`);
}

/** Words that mean other things too: of them, only what stands in quotes is a name of an engine. */
const plainWords = ['files'];

/** The lines of code in which the name of an engine is a value or a key; what people read may speak of products. */
function namesOf(text: string): string[] {
  const name = `(${engineNames.join('|')})`;
  const key = `(${engineNames.filter((one) => !plainWords.includes(one)).join('|')})`;
  const asValue = new RegExp(`(['"\`])${name}\\1|[.]${key}\\b|\\b${key}\\??:`);
  return text.split('\n').filter((line) => !/^\s*(\/\/|\/?\*)/.test(line) && asValue.test(line));
}
