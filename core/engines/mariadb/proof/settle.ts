import { decidedByText } from '../../../domain/compare.ts';
import type { Unequal } from '../../../domain/compare.ts';
import type { Compared, Settled } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { codeOf } from '../catalog/catalog.ts';
import { unqualified } from '../catalog/definition.ts';
import { quoteName } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { differingLines } from './differing.ts';
import { dumpedDefinitions } from './dumped.ts';

const byName = 'by name alone: the servers’ versions differ';
const shownKinds = [
  'table',
  'view',
  'sequence',
  'function',
  'procedure',
  'package',
  'package body',
  'trigger',
  'event',
];
/** How many are shown; the message of a failed proof has the first ones. */
const mostShown = 10;

/** The text decides, and the lines of the first differing objects are shown. Between two versions, the names decide. */
export async function settle(login: Login, compared: Compared, signal: AbortSignal): Promise<Settled> {
  const { different, byName: count } = decidedByText(compared.unequal, compared.sameVersion);
  const settled = { ways: count === 0 ? {} : { [byName]: count }, exceptions: [] };
  try {
    return { ...settled, different: await withDetails(different, login, compared, signal) };
  } catch (error) {
    // the difference is known all the same, and has to be reported
    if (signal.aborted) throw error;
    return { ...settled, different };
  }
}

async function withDetails(
  different: Unequal[],
  login: Login,
  { manifest, open }: Compared,
  signal: AbortSignal,
): Promise<Unequal[]> {
  const changed = different
    .filter(({ kind, how }) => how === 'changed' && shownKinds.includes(kind))
    .slice(0, mostShown);
  if (changed.length === 0) return different;
  const wanted = new Set(changed.map(({ kind, name }) => `${kind} ${name}`));
  const before = new Map<string, string>();
  for (const part of manifest.parts.filter(({ role }) => role === 'schema' || role === 'after'))
    for (const [object, text] of await dumpedDefinitions(open(part, signal), wanted)) before.set(object, text);
  const details = await withSession(login, signal, async (session) => {
    const found = new Map<Unequal, string>();
    for (const one of changed) {
      const text = before.get(`${one.kind} ${one.name}`);
      if (text !== undefined) found.set(one, await detailOf(one, text, session, login.database));
    }
    return found;
  });
  return different.map((one) => (details.has(one) ? { ...one, detail: details.get(one)! } : one));
}

async function detailOf({ kind, name }: Unequal, before: string, session: MariadbSession, database: string) {
  const [row = {}] = await session.rows(`SHOW CREATE ${kind.toUpperCase()} ${quoteName(name)}`);
  const now = unqualified(codeOf(row) ?? '', database);
  const flat = (text: string) => (kind === 'view' ? text.replaceAll('\n', ' ') : text);
  const differing = differingLines(flat(before), flat(now));
  return differing ?? 'with the same text: the settings under which it was made differ, or the order';
}
