import type { MariadbSession } from '../session.ts';

/**
 * Settings under which MySQL makes a table again that it once made without them: options that InnoDB ignores, foreign
 * keys to a key that is not unique, a TIMESTAMP without a default. MariaDB's own settings can be set by every user
 * (loader.ts).
 */
const wanted = ['innodb_strict_mode = 0', 'restrict_fk_on_non_standard_key = 0', 'explicit_defaults_for_timestamp = 1'];

/** Those of them that this server knows and this user may set. */
export async function looseSettings({ server, rows }: MariadbSession): Promise<string[]> {
  if (server.product !== 'MySQL') return [];
  const allowed: string[] = [];
  for (const setting of wanted) {
    // a refused setting may not be needed; if it is, the error of the statement says so
    const isAllowed = await rows(`SET SESSION ${setting}`).then(
      () => true,
      () => false,
    );
    if (isAllowed) allowed.push(setting);
  }
  return allowed;
}
