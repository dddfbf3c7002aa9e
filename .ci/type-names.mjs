// A type's name stands once in the product (`npm run check`): whoever reads it knows which one is meant.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folders = ['bin', 'core', 'functions', 'layers/db-tools', 'lib'];

const places = new Map();
for (const folder of folders)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.parentPath.includes('/build')) continue;
    const file = join(entry.parentPath, entry.name);
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/^(?:export )?type (\w+)/gm))
      places.set(name, [...(places.get(name) ?? []), file]);
  }

const twice = [...places].filter(([, files]) => files.length > 1);
for (const [name, files] of twice) console.error(`error: there are ${files.length} types ${name}: ${files.join(', ')}`);
if (twice.length > 0) {
  console.error('  hint: say in the name of each what it is of');
  process.exit(1);
}
