import { LineCounter, parseDocument } from 'yaml';
import type { Document, YAMLError } from 'yaml';
import { checkConfig, toldBy } from './contract/config/config.ts';
import type { Config, ConfigProblem, ToldBy } from './contract/config/config.ts';
import { BackupError } from './domain/errors.ts';
import { plural } from './domain/units.ts';

const asSyntax = 'a value begins with *, & or !, which mean something in YAML: put it in quotes';
/** The library prints warnings to stderr, and they quote values that may be secret. */
const logLevel = 'error';
const hint = 'every key is explained in docs/configuration.md; nightjar.example.yaml is a whole example';

/**
 * Reads the text of a configuration, YAML 1.2 or JSON. `name` is for messages; `against` finds what a valid
 * configuration lacks for a purpose. Throws `config-invalid` with every problem and its line, without any value that
 * may be secret.
 */
export function parseConfig(
  text: string,
  name: string,
  against: (config: Config) => ConfigProblem[] = () => [],
): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    strict: true,
    logLevel,
  });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0)
    throw invalid(
      name,
      broken.map((error) => `${at(error.pos[0], lines)}: ${plain(error)}`),
    );
  const result = checkConfig(content(document, name));
  const problems = 'config' in result ? against(result.config) : result.problems;
  if ('config' in result && problems.length === 0) return result.config;
  throw invalid(
    name,
    problems.map((problem) => `${pathOf(problem)}: ${problem.message}${lineOf(problem, document, lines)}`),
  );
}

/** Who is notified that this text is an invalid configuration: nobody if it can't be read at all. */
export function toldByText(text: string): ToldBy {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, strict: false, logLevel });
  try {
    return toldBy(document.toJS({ maxAliasCount: 100 }));
  } catch {
    return toldBy({});
  }
}

function invalid(name: string, problems: string[]): BackupError {
  const once = [...new Set(problems)];
  return new BackupError(
    'config-invalid',
    [`${name} has ${plural(once.length, 'problem')}:`, ...once.map((problem) => `  ${problem}`)],
    { hint },
  );
}

/**
 * The content of the document. An alias without an anchor is only found here; the library's error quotes it, so that
 * error is not kept as the cause.
 */
function content(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw invalid(name, [`${asSyntax}; or its aliases go too deep`]);
  }
}

/**
 * The library's own words, except those that quote a value: an unquoted password that begins with `*` or `!` is parsed
 * as syntax.
 */
function plain(error: YAMLError): string {
  if (error.code === 'BAD_ALIAS' || error.code === 'TAG_RESOLVE_FAILED') return asSyntax;
  if (error.code === 'DUPLICATE_KEY') return 'a key stands here for the second time';
  return error.message.replace(/:\s.*$/s, '').replace(/^Unresolved.*/s, 'a name that is not defined');
}

function at(offset: number, lines: LineCounter): string {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}`;
}

function pathOf({ path }: ConfigProblem): string {
  return (
    path
      .map(String)
      .map((key) => (/^[^\s.:]+$/.test(key) ? key : JSON.stringify(key)))
      .join('.') || 'the file'
  );
}

/** The line of the nearest existing parent: a missing key has no line. */
function lineOf({ path }: ConfigProblem, document: Document, lines: LineCounter): string {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return ` (line ${lines.linePos(node.range[0]).line})`;
  }
  return '';
}
