import { readFile } from 'node:fs/promises';

const page = new URL('../../../../docs/rights.md', import.meta.url);
const pageOfPackage = new URL('../../docs/rights.md', import.meta.url);
const identifier = /^[a-z_][a-z0-9_]*$/;

/**
 * The rights that this user needs on a server of this kind to back up and restore this database, from docs/rights.md,
 * whose statements are all tested. Empty if that page is not there.
 */
export async function rightsFor(heading: string, database: string, user: string): Promise<string[]> {
  const text = await readFile(page, 'utf8')
    .catch(() => readFile(pageOfPackage, 'utf8'))
    .catch(() => '');
  const sections = text.split(/^## /m).filter((section) => section.startsWith(`${heading}, to `));
  const named = (line: string) =>
    identifier.test(database) && identifier.test(user)
      ? line.replaceAll(/\bnightjar\b/g, user).replaceAll(/\bshop\b/g, database)
      : line;
  return sections.flatMap((section) => [
    `-- ${section.split('\n', 1)[0]}`,
    ...(/^```sql\n(.*?)^```$/ms.exec(section)?.[1] ?? '').trimEnd().split('\n').map(named),
  ]);
}
