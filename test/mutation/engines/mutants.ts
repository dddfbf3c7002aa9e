import { parseSync } from '@swc/core';

/** One change of a source file: what stands from `start` to `end` (characters) is replaced by `text`. */
export type Mutant = { line: number; start: number; end: number; text: string };

type SyntaxNode = { type: string; span: { start: number; end: number }; [field: string]: unknown };
type Piece = { start: number; end: number };
type Replace = (piece: Piece, text: string) => void;

/**
 * Changes that weaken a comparison, at each place of a file where there is one: something left out of a list, a
 * condition that always or never holds, a list that is emptied, a filter taken away; in SQL, a value that is not read,
 * a condition that is not asked, a part of a union that is missing.
 */
export function mutantsOf(source: string): Mutant[] {
  const found = new Map<string, Mutant>();
  const replace: Replace = ({ start, end }, text) => {
    if (source.slice(start, end) === text) return;
    const line = source.slice(0, start).split('\n').length;
    found.set(`${start} ${end} ${text}`, { line, start, end, text });
  };
  walk(parsed(source), (node) => {
    ofNode(node, source, replace);
    if (node.type === 'StringLiteral' || node.type === 'TemplateLiteral') ofSql(node.span, source, replace);
  });
  return [...found.values()].sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The tree, with offsets in characters of the source. swc counts bytes, and goes on counting from file to file. */
function parsed(source: string): SyntaxNode {
  const tree = parseSync(`0;${source}`, { syntax: 'typescript' }) as unknown as SyntaxNode;
  const bytes = Buffer.from(source);
  const shift = (tree['body'] as SyntaxNode[])[0]!.span.start + 2;
  const chars = (at: number) => bytes.subarray(0, Math.max(0, at - shift)).toString().length;
  walk(tree, (node) => {
    node.span = { start: chars(node.span.start), end: chars(node.span.end) };
  });
  return tree;
}

function walk(value: unknown, see: (node: SyntaxNode) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if ('span' in value && 'type' in value) see(value as SyntaxNode);
  for (const [field, child] of Object.entries(value))
    if (field !== 'span' && !/^ts|Annotation$/i.test(field)) walk(child, see);
}

function ofNode(node: SyntaxNode, source: string, replace: Replace): void {
  const child = (field: string) => (node[field] as SyntaxNode).span;
  const kinds: Record<string, () => void> = {
    ArrayExpression: () => {
      const elements = (node['elements'] as ({ spread: Piece | null; expression: SyntaxNode } | null)[]).flatMap(
        (one) => (one === null ? [] : [one.expression.span]),
      );
      leaveOut(
        elements.map((one) => withSpread(one, source)),
        replace,
      );
      if (elements.length > 0) replace(node.span, '[]');
    },
    ObjectExpression: () => leaveOut(propertiesOf(node, source), replace),
    CallExpression: () => ofCall(node, source, replace),
    ConditionalExpression: () => ['true', 'false'].forEach((text) => replace(child('test'), text)),
    IfStatement: () => ['true', 'false'].forEach((text) => replace(child('test'), text)),
    BinaryExpression: () => {
      const operator = node['operator'] as string;
      if (operator === '&&' || operator === '||')
        for (const side of ['left', 'right']) replace(node.span, at(source, child(side)));
      else if (/^(?:[!=]==|[<>]=?)$/.test(operator)) for (const text of ['true', 'false']) replace(node.span, text);
    },
    FunctionDeclaration: () => {
      const body = node['body'] as SyntaxNode | null;
      const head = body === null ? '' : source.slice(node.span.start, body.span.start);
      if (body !== null && /\): (?:Promise<)?[\w<>, |]+\[\]>? $/.test(head)) replace(body.span, '{ return []; }');
    },
  };
  kinds[node.type]?.();
}

function ofCall(node: SyntaxNode, source: string, replace: Replace): void {
  const callee = node['callee'] as SyntaxNode;
  const args = (node['arguments'] as { expression: SyntaxNode }[]).map(({ expression }) =>
    withSpread(expression.span, source),
  );
  const name = at(source, callee.span);
  if (name === 'list') for (const one of args) replace(one, "'null'");
  if (name === 'rowWithout') leaveOut(args, replace);
  const inner = callee['object'] as SyntaxNode | undefined;
  if (inner !== undefined && /\.(?:filter|toSorted|slice|trim|sort)$/.test(name))
    replace(node.span, at(source, inner.span));
}

/** Values of a SQL text that are not read, conditions that are not asked, parts of a union that are missing. */
function ofSql(literal: Piece, source: string, replace: Replace): void {
  const inside = { start: literal.start + 1, end: literal.end - 1 };
  const text = at(source, inside);
  if (!/\bselect\b|\bjsonb_build_array\(|[=~]|\bis (?:not )?null\b/i.test(text)) return;
  const piece = (start: number, end: number) => ({ start: inside.start + start, end: inside.start + end });
  for (const { index } of text.matchAll(/jsonb_build_array\(/g)) {
    for (const [start, end] of argumentsFrom(text, index + 'jsonb_build_array('.length))
      replace(piece(start, end), 'null');
  }
  for (const match of text.matchAll(/\b(and|where) /gi)) {
    const start = match.index + match[0].length;
    replace(piece(start, endOf(text, start, / (?:and|or|union|order by|group by) /iy)), 'true');
  }
  const parts = text.split(/union all/i);
  if (parts.length > 1)
    for (const part of parts)
      if (isBalanced(part))
        replace(piece(text.indexOf(part), text.indexOf(part) + part.length), ' select * from (select) x where false ');
}

function argumentsFrom(text: string, from: number): [number, number][] {
  const found: [number, number][] = [];
  for (let start = from; start < text.length; ) {
    const end = endOf(text, start, /,/y);
    found.push([start, end]);
    if (text[end] !== ',') break;
    start = end + 1;
  }
  return found;
}

/** Where a piece of SQL ends: before `stop` outside of all parentheses, or before the parenthesis that it lies in ends. */
function endOf(text: string, from: number, stop: RegExp): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    stop.lastIndex = at;
    if (depth === 0 && stop.test(text)) return at;
    if ('([{'.includes(text[at]!)) depth += 1;
    if (')]}'.includes(text[at]!) && --depth < 0) return at;
  }
  return text.length;
}

function isBalanced(text: string): boolean {
  return endOf(text, 0, /$^/y) === text.length && text.split('(').length === text.split(')').length;
}

function leaveOut(pieces: Piece[], replace: Replace): void {
  for (const [index, { start, end }] of pieces.entries()) {
    const [before, after] = [pieces[index - 1], pieces[index + 1]];
    replace({ start: after === undefined ? (before?.end ?? start) : start, end: after?.start ?? end }, '');
  }
}

function propertiesOf(node: SyntaxNode, source: string): Piece[] {
  return (node['properties'] as SyntaxNode[]).map((property) => {
    const [key, value] = [property['key'] as SyntaxNode | undefined, property['value'] as SyntaxNode | undefined];
    if (key !== undefined && value !== undefined) return { start: key.span.start, end: value.span.end };
    const only = (property['arguments'] ?? property) as SyntaxNode;
    return withSpread(only.span, source);
  });
}

/** With the three dots before it. */
function withSpread({ start, end }: Piece, source: string): Piece {
  return { start: source.slice(start - 3, start) === '...' ? start - 3 : start, end };
}

function at(source: string, { start, end }: Piece): string {
  return source.slice(start, end);
}
