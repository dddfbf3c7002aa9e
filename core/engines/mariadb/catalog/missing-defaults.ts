import { isBackupError } from '../../../domain/errors.ts';
import { quoteName, unquoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';
import { outside } from './table-definition.ts';
import type { TableDefinition } from './table-definition.ts';

const columnName = /^(`(?:[^`]|``)*`) (\w+)/;
const hasValue = / (?:NOT NULL|DEFAULT|AUTO_INCREMENT|GENERATED ALWAYS|AS)\b/;
/** MySQL prints no DEFAULT for these types, whether they have one or not. */
const silentTypes =
  /^(?:(?:tiny|medium|long)?(?:blob|text)|json|geometry|geom\w*|point|\w*polygon|\w*linestring|multipoint)$/i;

type ColumnPiece = { name: string; type: string; words: string };

/** The columns of a definition: their names, types, and the words outside of names and texts. */
export function columnPieces({ columns }: TableDefinition): ColumnPiece[] {
  return columns.flatMap((piece) => {
    const [whole, quoted, type] = columnName.exec(piece) ?? [];
    return whole === undefined ? [] : [{ name: unquoteName(quoted!), type: type!, words: outside(piece) }];
  });
}

/**
 * Nullable columns without a default, so that strict mode refuses an INSERT without them. CREATE TABLE … SELECT makes
 * them from NOT NULL columns (MAX, LEFT JOIN), and so does MySQL's DROP DEFAULT; a plain CREATE TABLE makes none.
 */
export async function missingDefaults(
  session: MariadbSession,
  table: string,
  definition: TableDefinition,
): Promise<{ shown: string[]; silent: string[] }> {
  const found = columnPieces(definition).filter(({ words }) => !hasValue.test(words));
  const isSilent = ({ type }: ColumnPiece): boolean => session.server.product === 'MySQL' && silentTypes.test(type);
  const asked = found.filter(isSilent).map(({ name }) => name);
  const shown = found.filter((column) => !isSilent(column)).map(({ name }) => name);
  if (!(await lacksDefault(session, table, asked))) return { shown, silent: [] };
  const silent: string[] = [];
  for (const name of asked) if (await lacksDefault(session, table, [name])) silent.push(name);
  return { shown, silent };
}

const noDefault = 1364;

async function lacksDefault(session: MariadbSession, table: string, columns: string[]): Promise<boolean> {
  if (columns.length === 0) return false;
  const defaults = columns.map((name) => `DEFAULT(${quoteName(name)})`).join(', ');
  try {
    await session.rows(`SELECT ${defaults} FROM ${quoteName(table)} LIMIT 0`);
    return false;
  } catch (error) {
    const { cause } = error as { cause?: { errno?: unknown } };
    if (isBackupError(error) && cause?.errno === noDefault) return true;
    throw error;
  }
}
