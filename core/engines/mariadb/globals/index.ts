import { partOfCatalog } from '../../../contract/manifest/catalog.ts';
import type { Catalog } from '../../../contract/manifest/catalog.ts';
import { databaseOfGlobals, globalsWords } from '../../../domain/content-words.ts';
import { BackupError } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import type { ByteStream, Engine, Plan } from '../../../ports.ts';
import { observedTls, reachable } from '../../examining.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { serverIdentity } from '../server-identity.ts';
import { withSession } from '../session.ts';
import { catalogOfAccounts, digestOfText, textOfAccounts } from './facts.ts';
import { withSecondPassword } from './mysql-only.ts';
import { readAccounts } from './reading.ts';
import { claimServer } from '../restore/unfinished.ts';
import { settleAccounts } from './settle.ts';
import { openAccountsTarget } from './target.ts';

const uncounted = '0'.repeat(16);

/** What belongs to a whole MariaDB or MySQL server and to no database: accounts, roles and their rights. */
export function mariadbGlobalsEngine(own: Login): Engine {
  const place = placeOf('mariadb', own).replace(/\/[^/]*$/, '');
  const read = (signal: AbortSignal, ignored?: (name: string) => void) =>
    withSession(own, signal, (session) => readAccounts(session, own, ignored), null);
  return {
    name: 'mariadbGlobals',
    words: globalsWords('account'),
    place,
    ownerKinds: [],
    async plan({ like, restored }, signal) {
      const { server, identity, second } = await withSession(
        own,
        signal,
        async (session) => ({
          server: session.server,
          identity: await serverIdentity(session),
          second: await withSecondPassword(session),
        }),
        null,
      );
      const ignored: string[] = [];
      const facts = await read(signal, (name) => ignored.push(name));
      const text = textOfAccounts(facts);
      const all = catalogOfAccounts(facts);
      const catalog =
        restored === undefined ? all : partOfCatalog(all, (kind, name) => restored[kind]?.[name] !== undefined);
      const isProof = like !== undefined;
      const hidden = Object.keys(all['account'] ?? {}).filter((name) => all['password']?.[name] === undefined);
      return {
        database: databaseOfGlobals,
        server: { product: server.product, version: server.version, ...(isProof ? {} : identity) },
        client: { program: 'SHOW CREATE USER', version: server.version },
        parts: isProof
          ? []
          : [
              {
                role: 'schema',
                file: 'schema.sql',
                compress: true,
                estimatedBytes: Buffer.byteLength(text),
                hasRows: false,
                recipe: {},
              },
            ],
        catalog,
        warnings: [],
        standing: isProof ? [] : warningsOf({ hidden, ignored, second }),
        ...(all['password'] !== undefined && { secrets: 'hashes of passwords' }),
        async confirm(_, notes) {
          const seen = notes.flatMap(({ counted = [] }) => counted);
          if (seen.some((digest) => digest !== digestOfText(text))) throw changed(place);
          return { tables: like?.tables ?? [accountsIn(catalog)], warnings: [], exceptions: [] };
        },
        close: async () => undefined,
      } satisfies Plan;
    },
    open(_, signal) {
      let text = '';
      async function* content(): ByteStream {
        text = textOfAccounts(await read(signal));
        yield Buffer.from(text);
      }
      return { content: content(), notes: async () => ({ heard: [], counted: digestOfText(text) }) };
    },
    target: (options, signal) => openAccountsTarget(own, options, signal),
    claimServer: (_, signal) => claimServer(own, signal),
    settle: async (compared) => settleAccounts(compared),
    restoreCommands: (parts, { server: { product } }) =>
      parts
        .filter(({ role }) => role === 'schema')
        .map(
          ({ file }) =>
            `zstd -dc ${file} | ${product === 'MySQL' ? 'mysql' : 'mariadb'} --force --host=HOST --user=USER --password`,
        ),
    examinations: () => [
      {
        what: reachable,
        look: async (signal) => [
          { outcome: 'fine', said: `${(await read(signal)).length} accounts and rights of ${place} can be read` },
        ],
      },
      { what: 'tls', needs: [reachable], look: async () => [observedTls(own)] },
    ],
  };
}

function accountsIn({ account = {}, role = {} }: Catalog) {
  const rows = Object.keys(account).length + Object.keys(role).length;
  return { table: 'accounts', columns: 'name', rows, fingerprint: uncounted };
}

function warningsOf({ hidden, ignored, second }: Record<'hidden' | 'ignored' | 'second', readonly string[]>): string[] {
  return [
    ...(second.length === 0
      ? []
      : [`a second password (RETAIN CURRENT PASSWORD) is not in this backup: ${fewNames(second, 20)}`]),
    ...(hidden.length === 0 ? [] : [`without a password in this backup: ${fewNames(hidden, 20)}`]),
    ...(ignored.length === 0
      ? []
      : [`not in this backup, for the server itself ignores them (skip_name_resolve): ${fewNames(ignored, 20)}`]),
  ];
}

function changed(place: string): BackupError {
  return new BackupError('source-changed', `the accounts of ${place} were changed during the run`, {
    hint: 'run it again',
  });
}
