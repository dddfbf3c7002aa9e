import { isDeepStrictEqual } from 'node:util';
import { readDefinition } from '../catalog/catalog.ts';

/** A node of a parse tree, as libpg_query writes it in JSON. */
type Tree = string | number | boolean | null | Tree[] | { [field: string]: Tree };
type TreeNode = { [field: string]: Tree };

/**
 * Whether two definitions of a catalog differ only in how PostgreSQL printed them: the facts must be equal to the
 * letter, the statements in the tree that PostgreSQL's own parser makes of them. The parser is loaded when it is first
 * needed.
 */
export async function meansTheSame(expected: string, found: string): Promise<boolean> {
  const [before, after] = [readDefinition(expected), readDefinition(found)];
  if (
    before.facts !== after.facts ||
    before.statements.length === 0 ||
    before.statements.length !== after.statements.length
  )
    return false;
  for (const [index, statement] of before.statements.entries()) {
    const [one, other] = [await meaningOf(statement), await meaningOf(after.statements[index] ?? '')];
    if (one === undefined || !isDeepStrictEqual(one, other)) return false;
  }
  return true;
}

/**
 * The tree of a statement, equal for all ways in which PostgreSQL prints it. Undefined if the parser does not
 * understand it, or is unavailable.
 */
export async function meaningOf(statement: string): Promise<Tree | undefined> {
  try {
    const { parse } = await import('libpg-query');
    return alike((await parse(statement)) as unknown as Tree);
  } catch {
    return undefined;
  }
}

/** Equivalences, applied from the leaves up. Each holds for every type, because the parser knows none. */
function alike(tree: Tree): Tree {
  if (Array.isArray(tree)) return tree.map(alike);
  if (typeof tree !== 'object' || tree === null) return tree;
  const node = Object.fromEntries(
    Object.entries(tree)
      .filter(([field, value]) => !isPosition(field, value))
      .map(([field, value]) => [field, alike(value)]),
  );
  return flattened(castInside(node));
}

function isPosition(field: string, value: Tree): boolean {
  return typeof value === 'number' && /(location|list_start|list_end|stmt_len)$/.test(field);
}

/**
 * `ARRAY[a, b]::t[]` equals `ARRAY[a::t, b::t]`: an array is converted value by value. An array within an array is
 * converted as one.
 */
function castInside(node: TreeNode): TreeNode {
  const cast = field(node, 'TypeCast');
  const elements = field(field(cast, 'arg'), 'A_ArrayExpr')?.['elements'];
  const typeName = field(cast, 'typeName');
  if (typeName?.['arrayBounds'] === undefined || !Array.isArray(elements)) return node;
  const { arrayBounds, ...ofElement } = typeName;
  const converted = elements.map((arg) =>
    castInside({ TypeCast: { arg, typeName: field(arg, 'A_ArrayExpr') === undefined ? ofElement : typeName } }),
  );
  return { A_ArrayExpr: { elements: converted } };
}

/** `(a AND b) AND c` equals `a AND b AND c`; the same for OR. */
function flattened(node: TreeNode): TreeNode {
  const bool = field(node, 'BoolExpr');
  const args = bool?.['args'];
  if (!Array.isArray(args) || bool?.['boolop'] === 'NOT_EXPR') return node;
  const inner = (arg: Tree): Tree[] => {
    const same = field(arg, 'BoolExpr');
    return same !== undefined && same['boolop'] === bool?.['boolop'] ? (same['args'] as Tree[]) : [arg];
  };
  return { BoolExpr: { ...bool, args: args.flatMap(inner) } };
}

function field(tree: Tree | undefined, name: string): TreeNode | undefined {
  const value = typeof tree === 'object' && tree !== null && !Array.isArray(tree) ? tree[name] : undefined;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}
