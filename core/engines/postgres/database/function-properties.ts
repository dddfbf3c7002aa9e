import type { Catalog } from '../../../ports.ts';
import { membersIn, membersKind, readMembers } from '../catalog/members.ts';
import type { FunctionProperties } from '../catalog/members.ts';
import { quoteIdentifier } from '../identifier.ts';
import { sqlState } from '../session.ts';
import type { PostgresSession } from '../session.ts';

/**
 * Sets what somebody had changed on functions of extensions, before anything is made that relies on it, such as an
 * index on a function that was declared immutable. pg_dump carries none of it. What the server refuses stays as the
 * extension has it, and the proof names it.
 */
export async function setFunctionProperties(session: PostgresSession, catalog: Catalog): Promise<void> {
  const expected = Object.keys(catalog[membersKind] ?? {});
  if (expected.length === 0) return;
  const found = await readMembers(session, 'functions');
  for (const extension of expected) {
    const wanted = membersIn(catalog, extension);
    for (const [name, { definition, properties: now }] of Object.entries(found[extension] ?? {})) {
      const { definition: was, properties: before } = wanted[name] ?? {};
      // a property may fit one body and harm another: C code that is called with nulls may crash the server
      if (definition !== was || now === undefined || before === undefined) continue;
      for (const steps of alterations(name, now, before)) await attempt(session, steps);
    }
  }
}

type Step = { sql: string; values?: string[] };

/** The name comes from the server itself; of the catalog's values, only those that ALTER FUNCTION knows are used. */
function alterations(name: string, now: FunctionProperties, before: FunctionProperties): Step[][] {
  const alter = (action: string | undefined): Step[][] =>
    action === undefined ? [] : [[{ sql: `alter ${name} ${action}` }]];
  const differs = (key: keyof FunctionProperties) => JSON.stringify(now[key]) !== JSON.stringify(before[key]);
  return [
    ...(differs('volatility') ? alter(volatilities.get(before.volatility)) : []),
    ...(differs('strict') ? alter(before.strict === true ? 'strict' : 'called on null input') : []),
    ...(differs('definer') ? alter(`security ${before.definer === true ? 'definer' : 'invoker'}`) : []),
    ...(differs('leakproof') ? alter(before.leakproof === true ? 'leakproof' : 'not leakproof') : []),
    ...(differs('parallel') ? alter(parallelSafety.get(before.parallel)) : []),
    ...(differs('cost') && Number(before.cost) > 0 ? alter(`cost ${Number(before.cost)}`) : []),
    ...(differs('rows') && Number(before.rows) > 0 ? alter(`rows ${Number(before.rows)}`) : []),
    ...(differs('config') ? configured(name, now.config ?? [], before.config ?? []) : []),
  ];
}

const volatilities = new Map([
  ['i', 'immutable'],
  ['s', 'stable'],
  ['v', 'volatile'],
]);
const parallelSafety = new Map([
  ['s', 'parallel safe'],
  ['r', 'parallel restricted'],
  ['u', 'parallel unsafe'],
]);

/** A value goes through the session's own setting, so that no part of it is SQL and a list stays a list. */
function configured(name: string, now: string[], before: string[]): Step[][] {
  const parameterOf = (setting: string) => String(setting).split('=', 1)[0]!;
  const kept = new Set(before.map(parameterOf));
  return [
    ...now
      .map(parameterOf)
      .filter((parameter) => !kept.has(parameter))
      .map((parameter) => [{ sql: `alter ${name} reset ${quoteIdentifier(parameter)}` }]),
    ...before
      .filter((setting) => !now.includes(setting))
      .map((setting) => {
        const parameter = parameterOf(setting);
        return [
          { sql: 'select set_config($1, $2, true)', values: [parameter, setting.slice(parameter.length + 1)] },
          { sql: `alter ${name} set ${quoteIdentifier(parameter)} from current` },
        ];
      }),
  ];
}

/** All the steps, or none. */
async function attempt(session: PostgresSession, steps: Step[]): Promise<void> {
  await session.rows('begin');
  try {
    for (const { sql, values } of steps) await session.rows(sql, values);
    await session.rows('commit');
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    await session.rows('rollback');
  }
}
