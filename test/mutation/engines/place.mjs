// Loaded before a judge (`node --import`): one file is read with one change in it. Nothing in the tree is touched.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const { file, start, end, text } = JSON.parse(process.env.NIGHTJAR_MUTANT);
const url = pathToFileURL(file).href;

registerHooks({
  load(asked, context, next) {
    if (asked !== url) return next(asked, context);
    const before = readFileSync(file, 'utf8');
    const source = before.slice(0, start) + text + before.slice(end);
    return { format: 'module-typescript', source, shortCircuit: true };
  },
});
