import * as z from 'zod';
import { always, duration, expected, group } from '../fields.ts';
import { keepsNothing, retentionOver, retentionSchema } from '../rotation/retention.ts';
import type { Retention } from '../rotation/retention.ts';
import { vaultDescriptor, vaultSchema } from './vault.ts';
import type { VaultConfig } from './vault.ts';

const namePattern = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
const aName = 'the name of a vault: small letters, digits and -, at most 40';

/** Further vaults, by name. */
export const vaultsSchema = z
  .record(z.string(), vaultSchema, {
    error: expected('further vaults, a group of keys: a name for each, and where it is'),
  })
  .superRefine((vaults, context) => {
    for (const name of Object.keys(vaults))
      if (!namePattern.test(name)) context.addIssue({ code: 'custom', path: [name], message: `expected ${aName}` });
  }, always);

const vaultName = z.string({ error: expected(aName) });

/** Further vaults that the backups of a source are copied into. */
export const copiesSchema = z
  .array(
    z.union([
      vaultName.describe('Short form: the name of a vault.'),
      group('a copy', {
        vault: vaultName.describe('The name of a vault in `vaults`.'),
        freshness: duration('5m', '36500d')
          .optional()
          .describe(
            'How old the newest backup there may be, while the first vault has a newer one; without it, as in ' +
              'the first vault.',
          ),
        retention: retentionSchema
          .optional()
          .describe('What `nightjar rotate --vault` keeps there; key by key, the rest is as in the source.'),
      }),
    ]),
    { error: expected('a list of names of `vaults`') },
  )
  .transform((list) => list.map((one) => (typeof one === 'string' ? { vault: one } : one)));

type WrittenCopies = z.infer<typeof copiesSchema>;

/** A further vault for a source's copies, how old they may be there, and what is kept. */
export type CopySettings = { vault: string; freshnessMs?: number; retention: Retention };

/** A source's own list replaces that of the defaults. */
export function copiesOf(
  defaults: WrittenCopies | undefined,
  own: WrittenCopies | undefined,
  retention: Retention,
): CopySettings[] {
  return (own ?? defaults ?? []).map((one) => ({
    vault: one.vault,
    ...('freshness' in one && one.freshness !== undefined && { freshnessMs: one.freshness }),
    retention: retentionOver(retention, one.retention),
  }));
}

/** What is wrong with a list of copies: vaults that don't exist, or are listed twice. */
export function copiesProblems(
  copies: readonly CopySettings[],
  vaults: Readonly<Record<string, VaultConfig>>,
): string[] {
  const names = copies.map(({ vault }) => vault);
  const known = Object.keys(vaults);
  const empty = copies.filter(({ retention }) => keepsNothing(retention));
  const none = empty.map(({ vault }) => `${vault} keeps nothing: at least one number must be above 0`);
  const wrong = [...new Set(names)].flatMap((name) => [
    ...(known.includes(name)
      ? []
      : [`there is no vault ${name} in vaults${known.length === 0 ? '' : `: there is ${known.join(', ')}`}`]),
    ...(names.filter((one) => one === name).length > 1 ? [`names ${name} twice`] : []),
  ]);
  return [...wrong, ...none];
}

/** Vaults at, in or around the place of another one: a copy there would be no copy. */
export function samePlaces(
  vault: VaultConfig,
  vaults: Readonly<Record<string, VaultConfig>>,
): { name: string; other: string }[] {
  const all: [string, VaultConfig][] = [['vault', vault], ...Object.entries(vaults)];
  return all.flatMap(([name, one], index) =>
    all
      .slice(0, index)
      .filter(([, other]) => overlap(placeOf(one), placeOf(other)))
      .map(([other]) => ({ name, other })),
  );
}

function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

/** Ends with a slash, so that `backups` is no prefix of `backups-2`. */
function placeOf(vault: VaultConfig): string {
  const parts = vaultDescriptor(vault)
    .pathOf(vault)
    .split('/')
    .filter((part, index) => part !== '.' && (part !== '' || index === 0));
  return `${vault.kind} ${parts.join('/')}/`;
}
