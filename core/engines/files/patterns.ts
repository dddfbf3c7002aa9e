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
  const mayMean = literals(patterns, anyCase);
  return (path) => {
    if (!mayMean.test(path)) return false;
    asked += 1;
    // the library keeps each path that it was asked about, with its answer
    if (asked % mostKept === 0) rules = rulesAnew();
    return rules.ignores(path);
  };
}

/** What every pattern that means something has in it as it stands, or whatever there is where one has nothing. */
function literals(patterns: readonly string[], anyCase: boolean): RegExp {
  const longest = patterns.filter((pattern) => !pattern.startsWith('!')).map(literalIn);
  return new RegExp(longest.map((text) => RegExp.escape(text)).join('|'), anyCase ? 'i' : '');
}

/** The longest text that a path has to have in it for a pattern to mean it: what is no sign, and no slash at its end. */
function literalIn(pattern: string): string {
  const runs = pattern.split(/\\.?|[*?!\s]|\[[^\]]*\]?/).map((run) => run.replace(/^\/+|\/+$/g, ''));
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '');
}

/** A path that is bytes (a letter each), as patterns are written. */
export function asPattern(path: string): string {
  if (/^[\x00-\x7f]*$/.test(path)) return path;
  const bytes = Buffer.from(path, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : path;
}
