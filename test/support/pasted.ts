import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const docs = join(import.meta.dirname, '../../docs');

/** Runs a command of a page of the documentation, the block of code of this name, as a person pastes it. */
export async function pasted(page: string, name: string, cwd: string, env: Record<string, string>): Promise<string> {
  const text = await readFile(join(docs, page), 'utf8');
  const [, block] = new RegExp(`^ *\`\`\`bash ${name}\\n(.*?)^ *\`\`\``, 'ms').exec(text) ?? [];
  if (block === undefined) throw new Error(`${page} has no block of code ${name}`);
  return (await promisify(execFile)('bash', ['-euc', block], { cwd, env })).stdout;
}
