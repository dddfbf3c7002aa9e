/** A CloudFormation template, as far as it is read here. */
export type Resource = {
  Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string | string[];
  Metadata?: Record<string, unknown>;
  DeletionPolicy?: string;
};
export type Template = {
  Resources: Record<string, Resource>;
  Parameters?: Record<string, unknown>;
  Outputs?: Record<string, unknown>;
  [section: string]: unknown;
};

/** What references stand for: pseudo parameters and physical ids by name, attributes by `Name.Attribute`. */
export type Names = { ref(name: string): string; attribute(name: string, attribute: string): string };

/**
 * A value of a template with every reference in it replaced by what it stands for. Throws on a function that is not
 * known here.
 */
export function resolved(value: unknown, names: Names): unknown {
  if (Array.isArray(value)) return value.map((one) => resolved(one, names));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [name = '', argument] = entries[0] ?? [];
  if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) return computed(name, argument, names);
  return Object.fromEntries(entries.map(([key, one]) => [key, resolved(one, names)]));
}

/** A template without the resources that `drops` names, and with literals in place of references to them. */
export function without(template: Template, drops: (resource: Resource) => boolean, literal: Names): Template {
  const dropped = new Set(
    Object.entries(template.Resources)
      .filter(([, resource]) => drops(resource))
      .map(([name]) => name),
  );
  function replaced(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    const { Ref: ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: [string, string] };
    if (ref !== undefined && dropped.has(ref)) return literal.ref(ref);
    if (attribute !== undefined && dropped.has(attribute[0])) return literal.attribute(...attribute);
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replaced(one)]));
  }
  const kept = Object.entries(template.Resources)
    .filter(([name]) => !dropped.has(name))
    .map(([name, { DependsOn: on, ...resource }]): [string, unknown] => {
      const waits = (on === undefined ? [] : [on].flat()).filter((one) => !dropped.has(one));
      return [name, { ...(replaced(resource) as Resource), ...(waits.length > 0 && { DependsOn: waits }) }];
    });
  return {
    ...template,
    Resources: Object.fromEntries(kept) as Template['Resources'],
    Outputs: replaced(template.Outputs ?? {}) as Record<string, unknown>,
  };
}

function computed(name: string, argument: unknown, names: Names): unknown {
  if (name === 'Ref') return names.ref(argument as string);
  if (name === 'Fn::GetAtt') return names.attribute(...(argument as [string, string]));
  if (name === 'Fn::Sub') return substituted(argument, names);
  const [first, second] = resolved(argument, names) as [unknown, unknown];
  if (name === 'Fn::Join') return (second as unknown[]).map(String).join(first as string);
  if (name === 'Fn::Select') return (second as unknown[])[Number(first)];
  if (name === 'Fn::Split') return (second as string).split(first as string);
  throw new Error(`${name} is not known here`);
}

function substituted(argument: unknown, names: Names): string {
  const [text, own] = Array.isArray(argument)
    ? (argument as [string, Record<string, unknown>])
    : [argument as string, {}];
  return text.replace(/\$\{([^!}]+)\}/g, (_, name: string) => {
    if (name in own) return String(resolved(own[name], names));
    const [resource = '', ...attribute] = name.split('.');
    return attribute.length === 0 ? names.ref(resource) : names.attribute(resource, attribute.join('.'));
  });
}
