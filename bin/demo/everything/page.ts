import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const page = join(import.meta.dirname, '../../../docs/everything-lost.md');

/** The content of the code blocks of one language in a section of docs/everything-lost.md, block by block. */
export async function blocksOf(section: string, language: 'bash' | 'yaml'): Promise<string[]> {
  const text = (await readFile(page, 'utf8')).split(/^## /m).find((one) => one.startsWith(`${section}\n`)) ?? '';
  const found = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, name, block = '']) =>
    name === language ? [block] : [],
  );
  if (found.length === 0) throw new Error(`docs/everything-lost.md has no ${language} in its section ${section}`);
  return found;
}
