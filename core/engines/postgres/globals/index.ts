import { databaseOfGlobals, globalsWords } from '../../../domain/content-words.ts';
import { BackupError } from '../../../domain/errors.ts';
import { hearing, warningsOf } from '../../../pipeline/hearing.ts';
import { partOfCatalog } from '../../../contract/manifest/catalog.ts';
import type { Catalog } from '../../../contract/manifest/catalog.ts';
import type { TableRows } from '../../../contract/manifest/manifest.ts';
import type { ByteStream, Engine, Plan } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { claimServer } from '../database/claim.ts';
import { examinations } from './examinations.ts';
import { digestOfGlobals, globalsRun, lookAtServer, readGlobals } from './reading.ts';
import type { GlobalsRecipe } from './reading.ts';
import { settleGlobals } from './settle.ts';
import { catalogOf, globalsIn } from './statements.ts';
import { openGlobalsTarget } from './target.ts';

const uncounted = '0'.repeat(16);

/** What belongs to a whole PostgreSQL server and to no database: mainly roles, read by pg_dumpall. */
export function postgresGlobalsEngine(own: Login, tools: Tools): Engine {
  const place = placeOf('postgres', own).replace(/\/[^/]*$/, '');
  return {
    name: 'postgresGlobals',
    words: globalsWords('role'),
    place,
    ownerKinds: [],
    async plan({ like, restored }, signal) {
      const { recipe, version, identity } = await lookAtServer(own, signal);
      const said = hearing(tools);
      const text = await readGlobals(globalsRun(own, said.tools, recipe), own, signal);
      const { catalog, exceptions } = comparable(catalogOf(globalsIn(text)), restored, recipe);
      const isProof = like !== undefined;
      return {
        database: databaseOfGlobals,
        server: { product: 'PostgreSQL', version, ...(isProof ? {} : identity) },
        client: { program: 'pg_dumpall', version: tools.program('pg_dumpall', recipe.major).version },
        parts: isProof ? [] : [partOf(text, recipe)],
        catalog,
        warnings: [],
        standing: isProof || recipe.passwords ? [] : [passwordless(own.user)],
        ...(catalog['password'] !== undefined && { secrets: 'hashes of passwords' }),
        async confirm(_, notes) {
          const own = notes.flatMap(({ counted = [] }) => counted);
          if (own.some((digest) => digest !== digestOfGlobals(text))) throw changed(place);
          const heard = [...said.messages(), ...notes.flatMap((note) => note.heard)];
          return { tables: like?.tables ?? [rolesIn(catalog)], warnings: warningsOf(heard), exceptions };
        },
        close: async () => undefined,
      } satisfies Plan;
    },
    open({ recipe }, signal) {
      const said = hearing(tools);
      const run = globalsRun(own, said.tools, recipe as GlobalsRecipe);
      let text = '';
      async function* content(): ByteStream {
        text = await readGlobals(run, own, signal);
        yield Buffer.from(text);
      }
      return { content: content(), notes: async () => ({ heard: said.messages(), counted: digestOfGlobals(text) }) };
    },
    target: (options, signal) => openGlobalsTarget(own, tools, options, signal),
    claimServer: (replaced, signal) => claimServer(own, replaced, signal),
    settle: async (compared) => settleGlobals(compared),
    restoreCommands: (parts) =>
      parts
        .filter(({ role }) => role === 'schema')
        .map(({ file }) => `zstd -dc ${file} | psql --no-psqlrc --quiet --dbname=postgres`),
    examinations: () => examinations(own),
  };
}

function partOf(text: string, recipe: GlobalsRecipe): Plan['parts'][number] {
  const estimatedBytes = Buffer.byteLength(text);
  return { role: 'schema', file: 'schema.sql', compress: true, estimatedBytes, hasRows: false, recipe };
}

function rolesIn(catalog: Catalog): TableRows {
  return { table: 'roles', columns: 'name', rows: Object.keys(catalog['role'] ?? {}).length, fingerprint: uncounted };
}

/** For a proof: what else a server has doesn't matter, and passwords that can't be read are not compared. */
function comparable(
  all: Catalog,
  restored: Catalog | undefined,
  { passwords }: GlobalsRecipe,
): { catalog: Catalog; exceptions: string[] } {
  if (restored === undefined) return { catalog: all, exceptions: [] };
  const catalog = partOfCatalog(all, (kind, name) => restored[kind]?.[name] !== undefined);
  const hashes = restored['password'];
  if (passwords || hashes === undefined) return { catalog, exceptions: [] };
  const exceptions = ['passwords, which this user may not read on this server'];
  return { catalog: { ...catalog, password: hashes }, exceptions };
}

function passwordless(user: string): string {
  return (
    `passwords are not in this backup: ${user} may not read pg_authid, which takes a superuser or a member of ` +
    'pg_read_all_data, and is nobody’s on many a managed server; after a restore, they have to be set'
  );
}

function changed(place: string): BackupError {
  return new BackupError('source-changed', `the roles of ${place} were changed during the run`, {
    hint: 'run it again',
  });
}
