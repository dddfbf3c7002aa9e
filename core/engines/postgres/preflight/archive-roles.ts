import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { programText } from '../../../pipeline/program.ts';
import type { ByteStream } from '../../../ports.ts';
import { plainNames } from '../identifier.ts';
import { isRestored } from '../restore/archive.ts';
import type { Loading } from '../restore/loading.ts';

/** `listed`: words in the place of owners in the archive's list; `named`: roles that its statements name. */
export type ArchiveRoles = { listed: string[]; named: string[] };

/** Entries of which only rights are printed: no function bodies, which may contain anything. */
const isOfRights = (line: string): boolean =>
  /^\d+; \d+ \d+ (?:ACL|DEFAULT ACL|POLICY|ROW SECURITY|USER MAPPING) /.test(line);
const role = String.raw`(?:"(?:[^"]|"")+"|[^\s",;]+)`;
const statements = [
  new RegExp(`^(?:GRANT|REVOKE) .* (?:TO|FROM) (${role})(?: WITH GRANT OPTION)?;$`),
  new RegExp(`^ALTER DEFAULT PRIVILEGES FOR ROLE (${role}) .* (?:TO|FROM) (${role})(?: WITH GRANT OPTION)?;$`),
  new RegExp(`^SET SESSION AUTHORIZATION (${role});$`),
  new RegExp(`^CREATE USER MAPPING FOR (${role}) SERVER `),
  new RegExp(`^CREATE POLICY .* TO (${role}(?:, ${role})*)(?: USING | WITH CHECK |;)`),
];
/** A name of several words has several words at the end of its line. */
const mostWords = 5;

/** The roles that the archive names. Contacts no server. */
export async function archiveRoles(content: ByteStream, loading: Loading, signal: AbortSignal): Promise<ArchiveRoles> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-'));
  try {
    const [file, list] = [join(folder, 'schema.pgdump'), join(folder, 'rights.list')];
    await pipeline(content, createWriteStream(file, { mode: 0o600 }));
    const listing = await programText(loading.run('pg_restore', ['--list', file]), signal);
    const all = listing.split('\n').filter((line) => isRestored(line, loading));
    const chosen = all.filter(isOfRights);
    await writeFile(list, chosen.join('\n'), { mode: 0o600 });
    const script =
      chosen.length === 0
        ? ''
        : await programText(loading.run('pg_restore', [`--use-list=${list}`, '--file=-', file]), signal);
    return { listed: all.flatMap(endings), named: namedIn(script) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function endings(line: string): string[] {
  if (line.startsWith(';')) return [];
  const words = line.split(' ');
  return Array.from({ length: mostWords }, (_, index) => words.slice(-1 - index).join(' '));
}

function namedIn(script: string): string[] {
  const found = script
    .split('\n')
    .flatMap((line) => statements.flatMap((statement) => statement.exec(line)?.slice(1) ?? []));
  const names = found.flatMap((list) => list.match(new RegExp(role, 'g')) ?? []);
  return [...new Set(names.filter((name) => !/^(?:PUBLIC|CURRENT_USER|DEFAULT)$/.test(name)))].map(
    (name) => plainNames(name)[0] ?? name,
  );
}
