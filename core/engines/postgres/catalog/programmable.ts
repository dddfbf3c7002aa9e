import { list, optional } from './definition.ts';
import type { Definition } from './definition.ts';

/** Constraints, and what runs on its own: functions, triggers, rules, policies, statistics. */
export function programmable(serverMajor: number): Definition[] {
  const parsedBody = serverMajor >= 14 ? 'prosqlbody is not null' : 'false';
  const onExpressions = serverMajor >= 14 ? 'stxexprs is not null' : 'false';
  return [
    {
      from: 'pg_constraint',
      where: `contype <> 'n' and conparentid = 0 and (conrelid <> 0 or contypid <> 0)`,
      facts: list(
        'contype',
        'condeferrable',
        'condeferred',
        'convalidated',
        'connoinherit',
        optional('conenforced'),
        isLocal,
        `case when contype not in ('c', 'x') then pg_get_constraintdef(o.oid) end`,
      ),
      statements:
        `case when contype in ('c', 'x') then jsonb_build_array('alter table t add ' || ` +
        'pg_get_constraintdef(o.oid)) end',
    },
    { from: 'pg_proc', where: `prokind = 'a'`, facts: aggregate },
    {
      from: 'pg_proc',
      where: `prokind <> 'a' and not (${parsedBody} or pronargdefaults > 0)`,
      facts: list('pg_get_functiondef(o.oid)'),
    },
    {
      from: 'pg_proc',
      where: `prokind <> 'a' and (${parsedBody} or pronargdefaults > 0)`,
      facts: list('prokind'),
      statements: 'jsonb_build_array(pg_get_functiondef(o.oid))',
    },
    {
      from: 'pg_trigger',
      where: 'not tgisinternal and tgparentid = 0',
      facts: list('tgenabled', clonesSetOtherwise, 'case when tgqual is null then pg_get_triggerdef(o.oid) end'),
      statements: 'case when tgqual is not null then jsonb_build_array(pg_get_triggerdef(o.oid)) end',
    },
    { from: 'pg_event_trigger', facts: list('evtevent', 'evtfoid::regproc', 'evtenabled', 'evttags') },
    {
      from: 'pg_rewrite',
      where: `rulename <> '_RETURN'`,
      facts: list('ev_enabled'),
      statements: 'jsonb_build_array(pg_get_ruledef(o.oid))',
    },
    {
      from: 'pg_policy',
      facts: list(
        'polcmd',
        'polpermissive',
        `array(select coalesce(rolname, 'public')::text from unnest(polroles) r left join pg_roles on ` +
          'pg_roles.oid = r order by 1)',
        'polqual is null',
        'polwithcheck is null',
      ),
      statements:
        `jsonb_build_array('select ' || pg_get_expr(polqual, polrelid), 'select ' || pg_get_expr(polwithcheck, ` +
        'polrelid))',
    },
    {
      from: 'pg_statistic_ext',
      facts: list(
        `nullif(${optional('stxstattarget')}, '-1')`,
        `case when not (${onExpressions}) then pg_get_statisticsobjdef(o.oid) end`,
      ),
      statements: `case when ${onExpressions} then jsonb_build_array(pg_get_statisticsobjdef(o.oid)) end`,
    },
  ];
}

const isLocal = 'conislocal and not coalesce((select relispartition from pg_class where oid = conrelid), false)';

const aggregate = `(select (to_jsonb(a) - '{aggfnoid,aggsortop,aggtranstype,aggmtranstype}'::text[]) || ${list(
  'aggsortop::regoperator',
  'aggtranstype::regtype',
  'aggmtranstype::regtype',
  'pg_get_function_arguments(o.oid)',
  'pg_get_function_result(o.oid)',
  'provolatile',
  'proparallel',
  'proisstrict',
  'prosecdef',
  'proleakproof',
  'proconfig',
  'procost',
)} from pg_aggregate a where aggfnoid = o.oid)`;

/** The triggers that partitions have from this one and that are enabled differently. */
const clonesSetOtherwise = `(with recursive clone as (
    select oid, tgrelid, tgenabled from pg_trigger where tgparentid = o.oid union all select t.oid, t.tgrelid, t.tgenabled from pg_trigger t join clone on t.tgparentid = clone.oid)
  select jsonb_agg(jsonb_build_array(tgrelid::regclass, tgenabled) order by tgrelid::regclass::text collate "C") from clone where tgenabled <> o.tgenabled)`;
