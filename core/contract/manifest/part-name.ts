/**
 * What a part is for. `schema`: definitions that go before the data (and after it, for an engine whose archive holds
 * both); `data`: rows; `after`: what follows the rows; `catalog`: every object's name and the digest of its definition,
 * to compare with.
 */
export const partRoles = ['schema', 'data', 'after', 'catalog'] as const;
export type PartRole = (typeof partRoles)[number];

/** `form`: what such a part may be called; `pattern`: the same for a policy, where `*` stands for anything. */
type PartNames = { form: RegExp; pattern: string };

/**
 * What a part may be called, by its role: a backup has one of each, and any number of `data`. This is the only
 * definition: parts are stored, read, tagged, removed and granted by it. Whatever else lies beside them is a record, or
 * foreign.
 */
const names: Record<PartRole, PartNames> = {
  schema: { form: /^schema(\.[a-z0-9]+)+$/, pattern: 'schema.*' },
  after: { form: /^after(\.[a-z0-9]+)+$/, pattern: 'after.*' },
  catalog: { form: /^catalog(\.[a-z0-9]+)+$/, pattern: 'catalog.*' },
  data: { form: /^data\/\d{4,}(\.[a-z0-9]+)+$/, pattern: 'data/*' },
};

/** The ending of an encrypted part's name; its format is that of age. */
export const encryptedEnding = '.age';

/** Whether a path below a backup may be a part of this role; without a role, of any. */
export function isPartName(path: string, role?: PartRole): boolean {
  return role === undefined ? partRoles.some((one) => names[one].form.test(path)) : names[role].form.test(path);
}

/**
 * Whether a part is of a kind that later backups may share, by its name: a tar of files, or a part named by its digest.
 */
export function isSharable(path: string): boolean {
  return isPartName(path, 'data') && sharableForm.test(path);
}

const sharableForm = /^data\/\d+\.(tar\.zst(\.age)?$|[0-9a-f]{64}\.)/;

/** Patterns for policies that every part's name matches. */
export const partPatterns: readonly string[] = Object.values(names).map(({ pattern }) => pattern);
