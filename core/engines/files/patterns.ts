import { isUtf8 } from 'node:buffer';
import ignore from 'ignore';

const mostKept = 10_000;

/**
 * Whether a path (of a folder with `/` at its end) is meant by patterns as a .gitignore has them: with `anyCase`, also
 * where it is written in capitals.
 */
export function matching(patterns: readonly string[], { anyCase = false } = {}): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  // as git does on systems whose names have two cases; a name may be `...`
  const rulesAnew = () => ignore({ ignorecase: anyCase, allowRelativePaths: true }).add([...patterns]);
  let [rules, asked] = [rulesAnew(), 0];
  return (path) => {
    asked += 1;
    // the library keeps each path that it was asked about, with its answer
    if (asked % mostKept === 0) rules = rulesAnew();
    return rules.ignores(path);
  };
}

/** A path that is bytes (a letter each), as patterns are written. */
export function asPattern(path: string): string {
  const bytes = Buffer.from(path, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : path;
}
