import type { ManifestPart } from '../../contract/manifest/manifest.ts';
import type { Plan } from '../../ports.ts';

/**
 * Stock commands that restore a backup from a folder with its objects, part by part. `LOGIN` is to be filled in, and
 * asks for the password; `DB` is the database to make. The COMMIT is sent only if the whole part was unpacked.
 */
export function restoreCommands(parts: ManifestPart[], plan: Plan): string[] {
  const client = plan.server.product === 'MySQL' ? 'mysql' : 'mariadb';
  const { 'character set': charset, collation } = plan.catalog['database'] ?? {};
  const load =
    `${client} $LOGIN --binary-mode --comments --default-character-set=utf8mb4 --max-allowed-packet=1G ` +
    `--init-command='SET autocommit=0' --database="$DB"`;
  const files = (['schema', 'data', 'after'] as const).flatMap((role) =>
    parts.filter((part) => part.role === role).map(({ file }) => file),
  );
  return [
    `LOGIN='--host=HOST --user=USER --password'`,
    `${client} $LOGIN --execute="CREATE DATABASE \\\`$DB\\\` CHARACTER SET ${charset} COLLATE ${collation}"`,
    ...files.map((file) => `{ zstd -dc ${file} && echo 'COMMIT;'; } | ${load}`),
  ];
}
