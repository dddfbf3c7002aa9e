import { isUtf8 } from 'node:buffer';
import ignore from 'ignore';

const mostKept = 10_000;

/** Whether a path (a folder's with `/` at its end) matches patterns, as in a .gitignore; `anyCase` ignores case. */
export function matching(patterns: readonly string[], { anyCase = false } = {}): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  // as git does on systems that distinguish case; a name may be `...`
  const rulesAnew = () => ignore({ ignorecase: anyCase, allowRelativePaths: true }).add([...patterns]);
  let [rules, asked] = [rulesAnew(), 0];
  const mayMean = literals(patterns, anyCase);
  return (path) => {
    if (!mayMean.test(path)) return false;
    asked += 1;
    // the library remembers each path that it was asked about
    if (asked % mostKept === 0) rules = rulesAnew();
    return rules.ignores(path);
  };
}

/**
 * Matches every path that one of the patterns can match, and possibly others: looks only for the longest literal in
 * each.
 */
function literals(patterns: readonly string[], anyCase: boolean): RegExp {
  const longest = patterns.filter((pattern) => !pattern.startsWith('!')).map(literalIn);
  return new RegExp(longest.map((text) => RegExp.escape(text)).join('|'), anyCase ? 'i' : '');
}

/**
 * The longest literal text of a pattern, which every matching path contains: without wildcards, and without slashes at
 * its ends.
 */
function literalIn(pattern: string): string {
  const runs = pattern.split(/\\.?|[*?!\s]|\[[^\]]*\]?/).map((run) => run.replace(/^\/+|\/+$/g, ''));
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '');
}

/** A path of bytes (one letter each) in the form of patterns. */
export function asPattern(path: string): string {
  if (/^[\x00-\x7f]*$/.test(path)) return path;
  const bytes = Buffer.from(path, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : path;
}
