import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Place = { line: number; column: number };
/** A mutant, as Stryker's instrumenter names it. */
export type Change = {
  id: string;
  fileName: string;
  mutatorName: string;
  replacement: string;
  location: { start: Place; end: Place };
};
export type End = 'killed' | 'timeout' | 'too large' | 'survived' | 'not covered' | 'static';
/** What the process that tries the mutants tells the one that counts. */
export type Told = { asked: Change[] } | { end: End; by: string } | 'trying' | 'over';

export const root = join(import.meta.dirname, '../../..');

/** The same in each process and each run, as long as nothing above it in its file is changed. */
export const nameOf = ({ fileName, location: { start, end }, replacement }: Change): string =>
  `${fileName.slice(root.length + 1)}:${start.line + 1}:${start.column}-${end.line + 1}:${end.column} ${replacement}`;

export const isLeft = ({ end }: { end: End }): boolean => end === 'survived' || end === 'not covered';

/** One line about a mutant, for people. */
export function shown({ fileName, location: { start, end }, replacement }: Change): string {
  const lines = readFileSync(fileName, 'utf8')
    .split('\n')
    .slice(start.line, end.line + 1);
  const was = lines.length === 1 ? lines[0]!.slice(start.column, end.column) : `${lines[0]!.slice(start.column)} …`;
  const becomes = replacement.replace(/\s+/g, ' ').slice(0, 90);
  return `${fileName.slice(root.length + 1)}:${start.line + 1} ${was.slice(0, 90)} → ${becomes}`;
}
