import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/** A text as it stands in our sources. */
const text = String.raw`(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\`(?:[^\`\\]|\\.)*\`)`;
/** What a schema says of itself to whoever reads the documentation: a sum of texts, and nothing else. */
const description = new RegExp(String.raw`\s*\.describe\(\s*${text}(?:\s*\+\s*${text})*,?\s*\)`, 'g');

/**
 * Leaves the descriptions of schemas out of a bundle: docs/configuration.md is made of the sources, and nobody reads them
 * where the program runs. Without them a schema is made once and not twice, which a start sees (docs/performance.md).
 */
export const withoutTexts: Plugin = {
  name: 'without-texts',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/core\/.*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(description, ''),
      loader: 'ts',
    })),
};
