// Holds the share of long lines (`npm run check`): the formatter breaks code at 120 columns, and leaves texts as they are.
import { readFileSync, readdirSync } from 'node:fs';

const folders = ['bin', 'core', 'functions', 'layers/db-tools', 'lib', 'test'];
const longest = 120;
const mostShare = 0.01;

const files = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.includes('/build'))
    .map((entry) => `${entry.parentPath}/${entry.name}`),
);
const counts = files.map((file) => {
  const lines = readFileSync(file, 'utf8').split('\n');
  return { file, all: lines.length, long: lines.filter((line) => [...line].length > longest).length };
});
const sum = (key) => counts.reduce((total, one) => total + one[key], 0);
const share = sum('long') / sum('all');
if (share >= mostShare) {
  const worst = counts.filter(({ long }) => long > 0).toSorted((a, b) => b.long - a.long);
  for (const { file, long } of worst.slice(0, 10)) console.error(`${String(long).padStart(4)} ${file}`);
  console.error(`error: ${sum('long')} of ${sum('all')} lines are longer than ${longest} columns, 1 % or more`);
  console.error('  hint: name a part of the text, or split it');
  process.exit(1);
}
