import * as z from 'zod';
import { vaults } from '../../../vaults/index.ts';
import type { VaultName, VaultSchema } from '../../../vaults/index.ts';
import type { VaultDescriptor } from '../../../vaults/descriptor.ts';
import { always, countOf, group } from '../fields.ts';

const asText = 'the path of a folder, or s3://bucket/prefix (no keys in it)';

/** Each kind of vault is a key. */
const vaultKeys = Object.fromEntries(
  Object.entries(vaults).map(([name, { schema, about }]) => [name, schema.optional().describe(about)]),
) as { [Name in VaultName]: z.ZodOptional<VaultSchema<Name>> };
const vaultNames = Object.keys(vaults) as VaultName[];

const longForm = group('a vault', vaultKeys).superRefine((value, context) => {
  if (countOf(value, vaultNames) !== 1) context.addIssue(`expected exactly one of ${vaultNames.join(', ')}`);
}, always);

/** Where backups are kept, with its `kind`. */
export type VaultConfig = { [Name in VaultName]: z.output<VaultSchema<Name>> }[VaultName];

/** Where backups are kept; the short form is expanded. */
export const vaultSchema = z
  .union([z.string().describe('Short form: a folder’s path, or `s3://bucket/prefix`.'), longForm], { error: firstOf })
  .superRefine((value, context) => {
    if (typeof value !== 'string' || unfolded(value) !== undefined) return;
    context.addIssue(
      value.startsWith('~') ? 'a path that begins with ~ is for shells: write the whole path' : `expected ${asText}`,
    );
  })
  .transform((value): VaultConfig => {
    if (typeof value === 'string') return unfolded(value)!;
    return vaultNames.map((name) => value[name]).find((one) => one !== undefined)!;
  });

/** What a vault's kind says about it, for callers that must not ask which kind it is. */
export function vaultDescriptor({ kind }: VaultConfig): VaultDescriptor {
  return vaults[kind];
}

function firstOf({ input }: { input?: unknown }): string {
  return input === undefined ? `is missing: ${asText}` : `expected ${asText}`;
}

function unfolded(value: string): VaultConfig | undefined {
  const forms = Object.values<VaultDescriptor>(vaults).map(({ schema, fromText }) => ({
    schema,
    own: fromText(value),
  }));
  const found = forms.find(({ own }) => own !== undefined);
  return found && (found.schema.safeParse(found.own).data as VaultConfig | undefined);
}
