import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { prove } from '../../../core/commands/proof/prove.ts';
import type { Engine, Source } from '../../../core/ports.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import { openStore } from '../../../core/store/store.ts';
import { printedInProcess } from '../../support/cli/in-process.ts';
import type { Ended } from '../../support/cli/command.ts';
import { connect, loginTo } from '../../support/mariadb/mariadb.ts';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { layerTools } from '../../support/tools.ts';
import { everyFeatureMariadb } from '../../servers/databases/databases.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { serverRoot } from '../../servers/root.ts';
import { limit, makeEvery, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { postgresPackages } from '../../servers/databases/postgres-packages.ts';

const page = join(import.meta.dirname, '../../../docs/restore-by-hand.md');
const launcher = fileURLToPath(new URL('../../../bin/nightjar', import.meta.url));
let layerBin: string;

let scene: PostgresScene;
let folder: string;
let jq: string;

beforeAll(async () => {
  scene = await postgresScene(18, {
    wal_level: 'logical',
    shared_preload_libraries: 'timescaledb',
    'timescaledb.telemetry_level': 'off',
  });
  // not through the link of the whole tree, which other suites turn to layers of their own
  layerBin = join(
    await dbToolsLayer(process.arch === 'arm64' ? 'arm64' : 'x86_64', { rule: 'newer' }, () => {}, limit()),
    'nightjar/bin',
  );
  folder = await mkdtemp(join(tmpdir(), 'nightjar-by-hand-'));
  jq = (await serverRoot({ name: 'jq', suites: ['trixie'], packages: ['jq'] }, () => {}, limit())).path;
}, 1_200_000);

afterAll(async () => {
  await scene.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The page's commands for an engine, in their order, as a person would paste them. */
async function commands(engine: string): Promise<string[]> {
  const text = await readFile(page, 'utf8');
  return [...text.matchAll(/^```bash ?([\w-]*)\n(.*?)^```/gms)].flatMap(([, only, block]) =>
    only === '' || only === engine ? [block!] : [],
  );
}

/**
 * Runs the page in a folder that holds the backup as step 1 says, with stock programs alone. `edit` is what the page
 * tells the person to change.
 */
async function follow(
  engine: string,
  manifest: Manifest,
  programs: string[],
  edit: (block: string) => string,
): Promise<string> {
  await rm(join(folder, 'backup'), { recursive: true, force: true });
  await cp(join(scene.folder, 'shop', manifest.id), join(folder, 'backup'), { recursive: true });
  const blocks = (await commands(engine)).map(edit);
  const env = {
    PATH: [...programs, layerBin, join(jq, 'usr/bin'), '/usr/bin', '/bin'].join(':'),
    LC_ALL: 'C.UTF-8',
    HOME: folder,
  };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', blocks.join('\n')], {
    cwd: folder,
    env,
    maxBuffer: 1e7,
  });
  return stdout;
}

/** What the page has a person change: the server, and the name of the new database. */
function onServer(database = 'shop_restored'): (block: string) => string {
  const { host, port, user, password } = scene.server;
  const login = `PGHOST=${host} PGPORT=${port} PGUSER=${user} PGPASSWORD=${quoted(password)}`;
  return (block) =>
    block.replace('shop_restored', database).replace('PGHOST=localhost PGPORT=5432 PGUSER=postgres', () => login);
}

/** What `nightjar pull --sql` gives of the scene's vault; its source's server is gone. */
async function pulledSql(
  engine: string,
  id: string,
  ...flags: string[]
): Promise<Ended & { raw: Buffer; file: string }> {
  const [config, file] = [join(folder, 'pull.yaml'), join(folder, 'shop.sql')];
  const at = { [engine]: { host: 'gone.invalid', user: 'nobody', database: 'gone' } };
  await writeFile(config, JSON.stringify({ vault: scene.folder, sources: { shop: at } }));
  const { raw, ...ended } = await printedInProcess(['-c', config, 'pull', 'shop', id, '--sql', ...flags], {
    cwd: folder,
  });
  await writeFile(file, raw);
  return { ...ended, raw, stdout: raw.toString(), file };
}

/** A stock program, with what goes into it and what comes out as files. */
async function stock(line: string, programs: string, env: Record<string, string>): Promise<string> {
  const all = { PATH: `${programs}:${layerBin}:/usr/bin:/bin`, LC_ALL: 'C.UTF-8', HOME: folder, ...env };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', line], { env: all, maxBuffer: 1e8 });
  return stdout;
}

async function differences(engine: Engine, manifest: Manifest): Promise<string[]> {
  const catalog = await openStore(scene.vault).readCatalog(manifest, limit());
  const proof = await prove(
    engine,
    { manifest, catalog, owners: true },
    { store: openStore(scene.vault), report: () => {}, parallel: 2 },
    limit(),
  );
  return proof.differences;
}

describe('docs/restore-by-hand.md', () => {
  test('its commands restore PostgreSQL with stock programs alone', async () => {
    await makeEvery(scene);
    await scene.sql('every', `create table price (amount money); insert into price values ('12.34')`);
    const manifest = await backup(scene.source('every', { sliceBytes: 16_384 }), scene.deps(), limit());
    const root = await serverRoot(postgresPackages(18), () => {}, limit());

    const said = await follow('postgres', manifest, [join(root.path, 'usr/lib/postgresql/18/bin')], onServer());

    expect(said).toContain('shop.customer');
    expect(await differences(scene.source('shop_restored').engine, manifest)).toEqual([]);
  }, 120_000);

  test('what only the catalog knows comes back too, as stock pg_dump -C tells it; nothing in a name or a value runs a shell command', async () => {
    const { host, port, user, password } = scene.server;
    const canary = join(folder, 'canary');
    const mean = `'; touch ${canary}; "$(touch ${canary})\\'\`touch ${canary}\` \\! touch ${canary}`;
    const [text, name] = [
      `E'${mean.replaceAll('\\', '\\\\').replaceAll("'", "''")}\\nSQL\\n'`,
      `"${mean.replaceAll('"', '""').slice(0, 60)}"`,
    ];
    await scene.sql('postgres', `create role ${name}; create role keeper`);
    await scene.sql('postgres', 'create database odd owner keeper connection limit 7');
    await scene.sql(
      'odd',
      `create table t (i int primary key); insert into t values (1); select lo_from_bytea(4711, 'large')`,
    );
    await scene.sql(
      'postgres',
      `comment on database odd is ${text}; grant connect on database odd to ${name} with grant option; revoke temporary on database odd from public;
      alter database odd set search_path to "$user", public, "a b"; alter database odd set default_transaction_read_only to on; alter database odd set "my.parameter" to ${text};
      alter role ${name} in database odd set work_mem to '8MB'`,
    );
    const manifest = await backup(scene.source('odd'), scene.deps(), limit());
    const root = await serverRoot(postgresPackages(18), () => {}, limit());
    const programs = join(root.path, 'usr/lib/postgresql/18/bin');
    const login = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password };
    const dumped = async (database: string) => {
      const { stdout } = await promisify(execFile)(join(programs, 'pg_dump'), ['-C', '-s', database], {
        env: { ...login, LC_ALL: 'C.UTF-8', LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'] ?? '' },
      });
      return stdout.replace(/^\\(un)?restrict .*$/gm, '').replaceAll(database, 'DATABASE');
    };

    await follow('postgres', manifest, [programs], onServer('odd_again'));

    expect(await dumped('odd_again')).toEqual(await dumped('odd'));
    expect(await dumped('odd')).toMatch(/COMMENT ON DATABASE.*CONNECTION LIMIT = 7.*"my\.parameter".*work_mem.*GRANT/s);
    expect(existsSync(canary)).toBe(false);
    expect(await scene.sql('odd_again', 'select convert_from(lo_get(4711), $$UTF8$$) as large, i from t')).toEqual([
      { large: 'large', i: 1 },
    ]);
  }, 120_000);

  test('a hypertable of TimescaleDB, which wants to be told of a restore, comes back by the commands, and as SQL', async () => {
    const { host, port, user, password } = scene.server;
    await scene.sql('postgres', 'create database metrics');
    await scene.sql('metrics', 'create extension timescaledb');
    await scene.sql(
      'metrics',
      `create table readings (at timestamptz primary key); select create_hypertable('readings', 'at');
      insert into readings select '2026-01-01'::timestamptz + i * interval '1 day' from generate_series(1, 30) i`,
    );
    const manifest = await backup(scene.source('metrics'), scene.deps(), limit());
    const { path } = await serverRoot(postgresPackages(18), () => {}, limit());
    const programs = join(path, 'usr/lib/postgresql/18/bin');
    const login = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password };

    await follow('postgres', manifest, [programs], onServer('metrics_by_hand'));
    const { file } = await pulledSql('postgres', manifest.id);
    await scene.sql('postgres', 'create database metrics_as_sql template template0');
    await stock(`psql -X -q -d metrics_as_sql < ${file}`, programs, login);

    for (const database of ['metrics_by_hand', 'metrics_as_sql']) {
      await scene.sql(database, `insert into readings values ('2030-01-01')`);
      const asked = `select (select count(*)::int from readings) as rows, (select count(*)::int from show_chunks('readings')) as chunks`;
      expect(await scene.sql(database, asked)).toEqual([{ rows: 31, chunks: 6 }]);
    }
  }, 120_000);

  test('a part with large objects is one transaction: half of it leaves nothing', async () => {
    await scene.sql('postgres', 'create database large');
    await scene.sql(
      'large',
      `select lo_from_bytea(0, convert_to(string_agg(md5(g::text), ''), 'UTF8')) from generate_series(1, 20000) ` +
        `g; select lo_from_bytea(0, 'second'); create sequence s`,
    );
    const manifest = await backup(scene.source('large'), scene.deps(), limit());
    const root = await serverRoot(postgresPackages(18), () => {}, limit());

    // as if the disk, or zstd, gave out at the very end
    const followed = follow('postgres', manifest, [join(root.path, 'usr/lib/postgresql/18/bin')], (block) =>
      onServer('large_again')(block).replace(
        `jq -r '.restore[]' manifest.json`,
        `jq -r '.restore[]' manifest.json | sed -E 's/zstd -dc (data[^ ]+)/{ zstd -dc \\1; false; }/'`,
      ),
    );

    await followed.catch(() => undefined);
    expect(await scene.sql('large_again', 'select count(*)::int as pages from pg_largeobject')).toEqual([{ pages: 0 }]);
  }, 120_000);

  test('pull --sql gives one text that stock psql loads whole or not at all, and stock dumps of both sides are equal', async () => {
    if ((await scene.sql('postgres', `select 1 from pg_database where datname = 'every'`)).length === 0)
      await makeEvery(scene);
    const manifest = await backup(scene.source('every', { sliceBytes: 16_384 }), scene.deps(), limit());
    const root = await serverRoot(postgresPackages(18), () => {}, limit());
    const programs = join(root.path, 'usr/lib/postgresql/18/bin');
    const { host, port, user, password } = scene.server;
    const library = { LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'] ?? '' };
    const env = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, ...library };
    const dumped = async (database: string) =>
      (await stock(`pg_dump ${database}`, programs, env)).replace(/^\\(un)?restrict .*$/gm, '');

    const pulled = await pulledSql('postgres', manifest.id);
    expect(pulled).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/ of SQL, every part as the manifest has it/),
    });
    await stock(`createdb -T template0 every_sql && psql -q every_sql < ${pulled.file}`, programs, env);

    // what a stock dump makes of it, which moves columns that a table has both inherited and of its own
    await stock(`createdb -T template0 every_stock && pg_dump every | psql -q every_stock`, programs, env);
    expect(await dumped('every_sql')).toEqual(await dumped('every_stock'));
    const marker = /-- PostgreSQL database dump complete/g;
    expect(pulled.stdout.match(marker)).toHaveLength(1);
    const reading = [process.execPath, launcher, '-c', join(folder, 'pull.yaml'), 'pull', 'shop', manifest.id, '--sql'];
    const enough = stock(`${reading.join(' ')} | head -c 1000`, dirname(process.execPath), { HOME: homedir() });
    await expect(enough).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('stdout takes no more') });
    const nothingFrom = async (file: string) => {
      await stock(`psql -q every_cut < ${file} || true`, programs, env);
      expect(await scene.sql('every_cut', 'select relname from pg_class where oid >= 16384')).toEqual([]);
    };
    await stock('createdb -T template0 every_cut', programs, env);
    for (const share of [0.5, 0.999]) {
      await writeFile(pulled.file, pulled.raw.subarray(0, pulled.raw.length * share));
      await nothingFrom(pulled.file);
    }
    const part = join(scene.folder, 'shop', manifest.id, manifest.parts.findLast(({ role }) => role === 'data')!.file);
    const content = await readFile(part);
    content[content.length - 1]! ^= 1;
    await rm(part, { force: true });
    await writeFile(part, content);
    const damaged = await pulledSql('postgres', manifest.id);
    expect(damaged).toMatchObject({ code: 3, stderr: expect.stringMatching(/^error: .*is damaged/) });
    expect(damaged.stdout).toMatch(/\n-- NOT WHOLE: [^\n]+\n$/);
    expect(damaged.stdout).not.toMatch(marker);
    await nothingFrom(damaged.file);
  }, 120_000);

  test('a file that was changed stops them before anything is made', async () => {
    const manifest = await backup(scene.source('postgres'), scene.deps(), limit());
    const { host, port, user, password } = scene.server;
    const file = join(scene.folder, 'shop', manifest.id, 'schema.pgdump');
    const content = await readFile(file);
    await rm(file, { force: true });
    await writeFile(file, Buffer.concat([content, Buffer.from('x')]));

    const following = follow('postgres', manifest, [], (block) =>
      block.replace('shop_restored', 'never').replace('PGHOST=localhost PGPORT=5432', `PGHOST=${host} PGPORT=${port}`),
    );

    await expect(following).rejects.toMatchObject({ stderr: expect.stringMatching(/did NOT match/) });
    expect({ user, password: password.length > 0 }).toEqual({ user: 'postgres', password: true });
    expect(await scene.sql('postgres', `select datname from pg_database where datname = 'never'`)).toEqual([]);
  });

  test('its commands restore MariaDB with stock programs alone', async () => {
    const server = await startMariadb({ series: '11.8' });
    try {
      const connection = await connect(server);
      await connection.query('create database every character set utf8mb4; use every');
      await everyFeatureMariadb(connection);
      await connection.query('create event busy on schedule every 1 second do insert into every.never_made values (1)');
      const tools = await layerTools();
      const source: Source = { ...scene.source('every'), engine: mariadbEngine(loginTo(server, 'every'), tools) };
      const manifest = await backup(source, scene.deps(), limit());
      const options = join(folder, 'login.cnf');
      await writeFile(
        options,
        `[client]\nhost=${server.host}\nport=${server.port}\nuser=${server.user}\npassword="${server.password.replace(/[\\"]/g, '\\$&')}"\n`,
        { mode: 0o600 },
      );
      const root = await serverRoot(
        { name: 'mariadb-client', suites: ['trixie'], packages: ['mariadb-client'] },
        () => {},
        limit(),
      );

      const [disabling] = await commands('mariadb-copy').then((blocks) =>
        blocks.filter((block) => block.includes('50106')),
      );
      const said = await follow('mariadb', manifest, [join(root.path, 'usr/bin')], (block) =>
        block.replace(
          'bash ../restore.sh',
          `sed -i "s|^LOGIN=.*|LOGIN=--defaults-extra-file=${options}|" ../restore.sh\n${disabling}\nbash ` +
            '../restore.sh',
        ),
      );
      const [events] = await connection.query(
        "select status from information_schema.events where event_schema = 'shop_restored' and event_name = 'busy'",
      );
      await connection.end();

      await loadsAsSql(manifest, options, join(root.path, 'usr/bin'));
      expect(events).toEqual([{ status: 'DISABLED' }]);
      expect(said.split('\n').length).toBeGreaterThan(10);
      expect(await differences(mariadbEngine(loginTo(server, 'shop_restored'), tools), manifest)).toEqual([]);
    } finally {
      await server.stop();
    }
  }, 120_000);
});

/** One text of SQL, loaded by the stock client: a stock dump of it is that of the source. */
async function loadsAsSql({ id }: Manifest, options: string, programs: string): Promise<void> {
  const login = `--defaults-extra-file=${options}`;
  const dump = (database: string) =>
    stock(`mariadb-dump ${login} --routines --events --triggers --skip-dump-date ${database}`, programs, {});
  const pulled = await pulledSql('mariadb', id, '--events');
  const load = /load it into a new database: mariadb (.*) NEW < this/.exec(pulled.stdout)![1]!;
  await stock(
    `mariadb ${login} -e 'set global event_scheduler = off; create database every_sql character set utf8mb4'
    mariadb ${login} ${load} every_sql < ${pulled.file}`,
    programs,
    {},
  );
  expect(pulled.stdout.match(/^-- Dump completed/gm)).toHaveLength(1);
  const named = (text: string) => text.replaceAll('every_sql', 'every');
  expect(named(await dump('every_sql'))).toEqual(named(await dump('every')));

  const quiet = await pulledSql('mariadb', id);
  expect(quiet.stdout).toMatch(/EVENT `busy` .* DISABLE /s);
  expect(quiet.stdout).not.toMatch(/EVENT `\w+` [^;]* ENABLE /s);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
