import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import type {
  Property,
  PropertyType,
  Resource as SpecResource,
  SpecDatabase,
  TypeDefinition,
} from '@aws-cdk/service-spec-types';
import type { Template } from '../synthesis.ts';

type Properties = Record<string, Property>;
let loaded: Promise<SpecDatabase> | undefined;

/**
 * Where a template departs from AWS's own specification of each resource: types and names that there are not, what is
 * required and missing, values of another type or outside of an enumeration.
 */
export async function specProblems({ Resources }: Template): Promise<string[]> {
  const spec = await (loaded ??= loadAwsServiceSpec());
  return Object.entries(Resources).flatMap(([id, { Type, Properties = {} }]) => {
    const [found] = spec.lookup('resource', 'cloudFormationType', 'equals', Type) as readonly SpecResource[];
    return found === undefined
      ? [`${id}: there is no type ${Type}`]
      : groupProblems(spec, `${id}.Properties`, Properties, found.properties as Properties);
  });
}

function groupProblems(spec: SpecDatabase, path: string, value: object, properties: Properties): string[] {
  const given = Object.entries(value).flatMap(([key, one]) =>
    properties[key] === undefined
      ? [`${path}.${key}: there is no such property`]
      : valueProblems(spec, `${path}.${key}`, one, properties[key].type),
  );
  const missing = Object.entries(properties)
    .filter(([key, { required }]) => required === true && !(key in value))
    .map(([key]) => `${path}.${key}: is missing`);
  return [...given, ...missing];
}

function valueProblems(spec: SpecDatabase, path: string, value: unknown, type: PropertyType): string[] {
  if (isIntrinsic(value)) return [];
  const unless = (fits: boolean): string[] =>
    fits ? [] : [`${path}: expected ${type.type}, got ${JSON.stringify(value)}`];
  switch (type.type) {
    case 'string':
      return typeof value !== 'string'
        ? unless(false)
        : type.allowedValues !== undefined && !type.allowedValues.includes(value)
          ? [`${path}: ${value} is none of ${type.allowedValues.join(', ')}`]
          : [];
    case 'integer':
      return unless(Number.isInteger(value));
    case 'number':
      return unless(typeof value === 'number');
    case 'boolean':
      return unless(typeof value === 'boolean');
    case 'date-time':
      return unless(typeof value === 'string');
    case 'json':
      return unless((typeof value === 'object' && value !== null) || typeof value === 'string');
    case 'null':
      return unless(value === null);
    case 'tag':
      return unless(typeof value === 'object' && value !== null && 'Key' in value && 'Value' in value);
    case 'array':
      return Array.isArray(value)
        ? value.flatMap((one, index) => valueProblems(spec, `${path}.${index}`, one, type.element))
        : unless(false);
    case 'map':
      return typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([key, one]) => valueProblems(spec, `${path}.${key}`, one, type.element))
        : unless(false);
    case 'ref':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? groupProblems(
            spec,
            path,
            value,
            (spec.get('typeDefinition', type.reference) as TypeDefinition).properties as Properties,
          )
        : unless(false);
    case 'union':
      return (
        type.types.map((one) => valueProblems(spec, path, value, one)).sort((a, b) => a.length - b.length)[0] ?? []
      );
  }
}

function isIntrinsic(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0]!.startsWith('Fn::'));
}
