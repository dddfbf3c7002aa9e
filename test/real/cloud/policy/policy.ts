import { holds, type Condition, type Context } from './conditions.ts';

/** A statement of a policy, as its JSON has it. */
export type Statement = {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource?: string | string[];
  Principal?: '*' | Record<string, string | string[]>;
  Condition?: Condition;
};

/** A statement and where it stands, for messages: `BackupShopRole/Policy#2`. */
export type Rule = { id: string; statement: Statement };

/** One thing that a request asks IAM for. */
export type Call = { action: string; resource: string; context: Context };

/**
 * What policies say to a call: by which statements it is allowed, which deny it, and which would allow it but for their
 * conditions.
 */
export type Verdict = { allowed: boolean; allowing: string[]; denying: string[]; unmet: string[] };

export type Policies = {
  /** Of the role that calls. */
  identity: readonly Rule[];
  /** Of what is called: the bucket, the key. */
  resource?: readonly Rule[];
  /** ARN of the role that calls. */
  principal: string;
  /**
   * True for keys, whose policy must let the account's own policies speak; everything else does so by itself (KMS
   * Developer Guide, "Key policies").
   */
  mustDelegate?: boolean;
  /** What is called lies in another account: both must allow it (IAM User Guide, "Cross-account policy evaluation logic"). */
  foreign?: boolean;
};

const known = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Principal', 'Condition']);

/**
 * Judges a call as IAM does: an explicit deny wins, else one allowing statement is needed, in each of both accounts
 * where they are two. Throws on what it does not know.
 */
export function judge(
  call: Call,
  { identity, resource = [], principal, mustDelegate = false, foreign = false }: Policies,
): Verdict {
  const own = identity.filter((rule) => concerns(rule, call));
  const isNamed = ({ statement }: Rule): boolean =>
    names(statement, principal) || (foreign && names(statement, rootOf(principal)));
  const direct = resource.filter((rule) => isNamed(rule) && concerns(rule, call));
  const delegating = mustDelegate
    ? resource.filter((rule) => names(rule.statement, rootOf(principal)) && concerns(rule, call))
    : [];
  const context = { 'aws:PrincipalArn': principal, ...call.context };
  const met = ({ statement }: Rule): boolean => holds(statement.Condition ?? {}, context);
  const ids = (rules: readonly Rule[], effect: Statement['Effect']): string[] =>
    rules.filter(({ statement }) => statement.Effect === effect).map(({ id }) => id);
  const ownAllowing =
    mustDelegate && ids(delegating.filter(met), 'Allow').length === 0 ? [] : ids(own.filter(met), 'Allow');
  const directAllowing = ids(direct.filter(met), 'Allow');
  const isHalf = foreign && (ownAllowing.length === 0 || directAllowing.length === 0);
  const allowing = isHalf ? [] : [...ownAllowing, ...directAllowing];
  const denying = ids([...own, ...direct].filter(met), 'Deny');
  return {
    allowed: denying.length === 0 && allowing.length > 0,
    allowing,
    denying,
    unmet: ids(
      own.filter((rule) => !met(rule)),
      'Allow',
    ),
  };
}

/**
 * The same as if no statement had conditions and no resource a policy: what an emulator that knows neither would say.
 */
export function judgeWithoutConditions(call: Call, identity: readonly Rule[]): boolean {
  const bare = identity.map(({ id, statement: { Condition: _, ...statement } }) => ({ id, statement }));
  return judge(call, { identity: bare, principal: '' }).allowed;
}

/** Whether a text has the form of a pattern with `*` and `?`, as IAM has them. */
export function matches(pattern: string, text: string): boolean {
  if (pattern.includes('${')) throw new Error(`policy variables are not known here: ${pattern}`);
  const expression = pattern
    .replace(/[.+^$()|[\]{}\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(text);
}

export function listOf<T>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function concerns({ id, statement }: Rule, { action, resource }: Call): boolean {
  const strange = Object.keys(statement).find((key) => !known.has(key));
  if (strange !== undefined) throw new Error(`${id}: ${strange} is not known here`);
  return (
    listOf(statement.Action).some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
    listOf(statement.Resource).some((pattern) => matches(pattern, resource))
  );
}

/** Whether a resource's statement speaks of this caller: of everybody, or of it by name. */
function names({ Principal }: Statement, principal: string): boolean {
  if (Principal === undefined || Principal === '*') return true;
  return listOf(Principal['AWS']).some((one) => one === '*' || one === principal);
}

/** The account as a whole: a key's statement about it hands the decision on to the account's own policies. */
function rootOf(principal: string): string {
  return `arn:aws:iam::${principal.split(':')[4]}:root`;
}
