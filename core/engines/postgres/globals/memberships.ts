/** What a membership allows. `inherit`: undefined if printed by a server before 16, which does not say. */
export type Allowed = { admin: boolean; inherit: boolean | undefined; set: boolean };

/** The options of several grants of one membership together: what one of them allows is allowed. */
export function allowedBy(grants: readonly string[]): Allowed {
  const each = grants.map(optionsOf);
  return {
    admin: each.some(({ admin }) => admin),
    inherit: each.some(({ inherit }) => inherit === undefined) ? undefined : each.some(({ inherit }) => inherit),
    set: each.some(({ set }) => set),
  };
}

/** One grant that allows what these allow together, in the name of whoever runs it. */
export function grantedAtOnce(grants: readonly string[]): string {
  const [head = ''] = /^GRANT\s+(?:"(?:[^"]|"")+"|\S+)\s+TO\s+(?:"(?:[^"]|"")+"|\S+)/.exec(grants[0] ?? '') ?? [];
  const { admin, inherit, set } = allowedBy(grants);
  if (inherit === undefined) return `${head}${admin ? ' WITH ADMIN OPTION' : ''}`;
  const said = Object.entries({ ADMIN: admin, INHERIT: inherit, SET: set });
  return `${head} WITH ${said.map(([option, is]) => `${option} ${is ? 'TRUE' : 'FALSE'}`).join(', ')}`;
}

function optionsOf(grant: string): Allowed {
  // a role's name must not be taken for an option
  const bare = grant.replace(/"(?:[^"]|"")*"/g, 'quoted');
  return {
    admin: /ADMIN (?:OPTION|TRUE)/.test(bare),
    inherit: bare.includes('INHERIT ') ? bare.includes('INHERIT TRUE') : undefined,
    set: !bare.includes('SET FALSE'),
  };
}
