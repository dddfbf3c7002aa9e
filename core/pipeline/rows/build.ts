// Compiles scan.as.ts and writes scan.wasm.ts: node core/pipeline/rows/build.ts
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = dirname(fileURLToPath(import.meta.url));
const lineWidth = 115;

/** The text of scan.wasm.ts as its source asks for it; the same source and compiler give the same text. */
export async function compileScan(): Promise<string> {
  let wasm: Uint8Array | undefined;
  const options = [
    'scan.as.ts',
    '--outFile',
    'scan.wasm',
    '--runtime',
    'stub',
    '--enable',
    'simd',
    '--noAssert',
    '-O3',
    '--converge',
  ];
  const { error, stderr } = await asc.main([...options, '--baseDir', here], {
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm') && typeof contents !== 'string') wasm = contents;
    },
  });
  if (error || wasm === undefined)
    throw new Error(`scan.as.ts does not compile: ${stderr.toString()}`, { cause: error });
  return moduleText(Buffer.from(wasm));
}

function moduleText(wasm: Buffer): string {
  const text = wasm.toString('base64');
  const lines = text.match(new RegExp(`.{1,${lineWidth}}`, 'g')) ?? [];
  return [
    '// Made from scan.as.ts by build.ts; a test compares them.',
    '',
    `/** The WebAssembly module of the row scanner, ${wasm.length} bytes, as base64. */`,
    'export const scanWasm = [',
    ...lines.map((line) => `  '${line}',`),
    "].join('');",
    '',
  ].join('\n');
}

if (import.meta.main) await writeFile(join(here, 'scan.wasm.ts'), await compileScan());
