import type {
  ByteStream,
  Engine,
  LoadStep,
  OpenedPart,
  Plan,
  PlannedPart,
  Source,
  Target,
} from '../../../core/ports.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { postgresReader } from '../../../core/pipeline/rows/postgres.ts';

/** The tables of each database, and the lines of each table. */
export type ToyServer = Map<string, Record<string, string[]>>;

const marker = '--\n-- PostgreSQL database dump complete\n--\n\n';

/**
 * An engine whose server is a Map: for what the commands make of an engine and a vault, without waiting for a server.
 * Like MariaDB's it drops what it replaces before it loads, so whoever lets it go too far sees that.
 */
export function toyEngine(server: ToyServer, database: string): Engine {
  return {
    name: 'toy',
    place: `toy://${database}`,
    ownerKinds: [],
    restoreCommands: () => [],
    plan: async () => planOf(server, database),
    open: openPart,
    target: async ({ manifest, drill }) => targetOf(server, database, manifest.parts, drill),
  };
}

/** A source of this engine, as the configuration would make it. */
export function toySource(engine: Engine): Source {
  return {
    name: 'shop' as SourceName,
    engine,
    timeZone: 'UTC',
    retention: { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 0 },
    compressionLevel: 1,
    parallel: 2,
  };
}

function planOf(server: ToyServer, database: string): Plan {
  const tables = server.get(database);
  if (tables === undefined) throw new BackupError('source-unreachable', `there is no database ${database}`);
  const part = (role: PlannedPart['role'], file: string, text: string): PlannedPart => ({
    role,
    file,
    compress: true,
    estimatedBytes: text.length,
    hasRows: role === 'data',
    recipe: text,
  });
  const rows = Object.entries(tables).map(([name, lines], index) =>
    part('data', `data/000${index + 1}.sql`, copyText(name, lines)),
  );
  return {
    database,
    server: { product: 'Toy', version: '1.0' },
    client: { program: 'toy', version: '1.0' },
    parts: [part('schema', 'schema.sql', JSON.stringify(Object.keys(tables))), ...rows],
    catalog: { table: Object.fromEntries(Object.keys(tables).map((name) => [name, 'line text'])) },
    warnings: [],
    confirm: async (seen) => ({ tables: seen, warnings: [], exceptions: [] }),
    close: async () => {},
  };
}

function openPart({ recipe, hasRows }: PlannedPart): OpenedPart {
  const content = textStream(recipe as string);
  return { content, ...(hasRows && { reader: postgresReader() }), notes: async () => ({ heard: [] }) };
}

function targetOf(
  server: ToyServer,
  database: string,
  parts: Parameters<Engine['target']>[0]['manifest']['parts'],
  drill = false,
): Target {
  const before = server.get(database);
  let made = false;
  const steps = (role: string, load: (text: string) => void): LoadStep[] =>
    parts
      .filter((part) => part.role === role)
      .map((part) => ({
        part,
        label: part.file,
        // nothing of a stream that throws is there
        load: async (content: ByteStream) => load(Buffer.concat(await Array.fromAsync(content)).toString()),
      }));
  const loadRows = (text: string): void => {
    const [, name = '', body = ''] = /^COPY public\.(\w+) \(line\) FROM stdin;\n(.*)\\\.\n/s.exec(text) ?? [];
    server.get(database)![name] = body.split('\n').slice(0, -1);
  };
  return {
    database,
    state: before === undefined ? 'absent' : Object.keys(before).length === 0 ? 'empty' : 'occupied',
    holds: `${Object.keys(before ?? {}).length} tables`,
    notes: [],
    failures: [],
    leftOut: [],
    stages: [
      steps(
        'schema',
        (text) =>
          void Object.assign(
            server.get(database)!,
            Object.fromEntries((JSON.parse(text) as string[]).map((name) => [name, []])),
          ),
      ),
      steps('data', loadRows),
    ],
    async prepare() {
      server.set(database, {});
      made = true;
    },
    made: () => database,
    async finish() {
      if (drill) server.delete(database);
      return [];
    },
    async keep() {
      if (drill) server.delete(database);
      return [];
    },
    async discard() {
      if (made) server.delete(database);
    },
    standing: () => (server.has(database) ? `${database} is there` : `${database} is gone`),
    close: async () => {},
  };
}

function copyText(table: string, lines: readonly string[]): string {
  return `COPY public.${table} (line) FROM stdin;\n${lines.map((line) => `${line}\n`).join('')}\\.\n\n${marker}`;
}

async function* textStream(text: string): ByteStream {
  const bytes = Buffer.from(text);
  const step = Math.max(64, Math.ceil(bytes.length / 500));
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}
