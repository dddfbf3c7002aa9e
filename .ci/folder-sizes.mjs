// Holds the size of folders of code (`npm run check`): what a person can take in at a glance.
import { readdirSync } from 'node:fs';

const folders = ['bin', 'core', 'functions', 'layers/db-tools', 'lib', 'test'];
const most = 12;

const counts = new Map();
for (const folder of folders)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.includes('/build'))
      counts.set(entry.parentPath, (counts.get(entry.parentPath) ?? 0) + 1);

const full = [...counts].filter(([, count]) => count > most);
for (const [folder, count] of full) console.error(`error: ${folder} holds ${count} files of code, more than ${most}`);
if (full.length > 0) {
  console.error('  hint: give what belongs together a folder of its own (docs/architecture.md)');
  process.exit(1);
}
