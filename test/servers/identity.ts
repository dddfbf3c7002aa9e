import { randomBytes } from 'node:crypto';
import { chown } from 'node:fs/promises';

/**
 * The user and group that servers run as: some refuse root, so root hands them to `nobody`; anyone else runs them as
 * themselves.
 */
export function serverIdentity(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
}

/** Gives a file or folder to the user that servers run as. */
export async function chownToServer(path: string): Promise<void> {
  const { uid, gid } = serverIdentity();
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}

/** A password that no shell, connection string, option file or SQL literal takes unquoted; different each time. */
export function awkwardPassword(): string {
  return `p:w@/\\'" #%${randomBytes(9).toString('hex')}`;
}

/** `text` as an SQL string literal of MariaDB and MySQL, where backslashes escape. */
export function mysqlLiteral(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
