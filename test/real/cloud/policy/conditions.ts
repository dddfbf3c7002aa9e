import { matches } from './policy.ts';

export type Condition = Record<string, Record<string, string | boolean | (string | boolean)[]>>;
/**
 * What is known of a request, by condition key; a key that is not there is one that AWS does not give to this action.
 */
export type Context = Readonly<Record<string, string | readonly string[]>>;

type Test = (given: string, wanted: string) => boolean;

/**
 * The operators that our policies use (IAM User Guide, "Condition operators"); `not` ones are true of what is not
 * there.
 */
const operators: Record<string, { test: Test; not?: true }> = {
  StringEquals: { test: (given, wanted) => given === wanted },
  StringNotEquals: { test: (given, wanted) => given === wanted, not: true },
  StringLike: { test: (given, wanted) => matches(wanted, given) },
  StringNotLike: { test: (given, wanted) => matches(wanted, given), not: true },
  ArnEquals: { test: (given, wanted) => matches(wanted, given) },
  ArnLike: { test: (given, wanted) => matches(wanted, given) },
  Bool: { test: (given, wanted) => given === wanted },
  NumericLessThan: { test: (given, wanted) => Number(given) < Number(wanted) },
  NumericLessThanEquals: { test: (given, wanted) => Number(given) <= Number(wanted) },
};

/**
 * Whether a statement's conditions are met: every operator, every key of it, any of a key's values. An operator that is
 * not known is an error.
 */
export function holds(condition: Condition, context: Context): boolean {
  return Object.entries(condition).every(([name, keys]) =>
    Object.entries(keys).every(([key, wanted]) => keyHolds(name, key, wanted, context)),
  );
}

function keyHolds(name: string, key: string, wanted: Condition[string][string], context: Context): boolean {
  const given = valuesOf(key, context);
  const values = (Array.isArray(wanted) ? wanted : [wanted]).map(String);
  if (name === 'Null') return values.some((value) => (given === undefined) === (value === 'true'));
  const [, quantifier, base = '', ifExists] = /^(ForAllValues:|ForAnyValue:)?(\w+?)(IfExists)?$/.exec(name) ?? [];
  const operator = operators[base];
  if (operator === undefined) throw new Error(`the condition operator ${name} is not known here`);
  if (given === undefined) return ifExists !== undefined || operator.not === true || quantifier === 'ForAllValues:';
  const one = (value: string): boolean => values.some((each) => operator.test(value, each)) !== (operator.not === true);
  return quantifier === 'ForAnyValue:' ? given.some(one) : given.every(one);
}

/** Keys are compared without regard to capitals; the part behind a slash (a tag's name) is too. */
function valuesOf(key: string, context: Context): readonly string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
  return typeof found === 'string' ? [found] : found;
}
