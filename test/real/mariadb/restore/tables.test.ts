import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { proofSentence } from '../../../../core/commands/proof/prove.ts';
import { restoreRecorded } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import { dumpRun } from '../../../../core/engines/mariadb/programs.ts';
import { programOutput } from '../../../../core/pipeline/program.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { connect, loginTo } from '../../../support/mariadb/mariadb.ts';
import { layerTools } from '../../../support/tools.ts';
import { limit, memoryScene } from '../../../support/vaults/vault.ts';

/** Typed by hand; rows and comments hold what looks like another table's beginning. */
const common = [
  "create table customer (id int primary key, e varchar(80) comment '-- Table structure for table `other`')",
  'create table other (id int)',
  `create table orders (id int primary key auto_increment, customer int not null, m enum('a', 'b'), n text, key (m),
    constraint fk_customer foreign key (customer) references customer (id))`,
  'create table `odd ``x\nof two lines` (`a b` int primary key) engine=myisam',
  'create table `a` (`b.c` int, key `b.c` (`b.c`))',
  'create table `a.b` (c int)',
  "create table sums (a int primary key, b int as (a + 1) virtual, `c, ``d` int as (a * 2) stored, e varchar(30) default 'y (' comment '`, generated always as', f int default 0 invisible)",
  'create function f() returns int deterministic return 1',
  'create trigger tr before insert on orders for each row begin set new.n = concat(new.n, f()); end',
  'create trigger /* a remark: before insert */ tr2 /* on other for each row */ before insert on orders\nfor each row set new.m = 1',
  'create trigger `on other for each row` after insert on `customer` for each row insert into other values (1)',
  'create event ev on schedule every 1 day do delete from other',
  'create view v as select * from orders',
  "insert into customer values (1, 'x'), (2, 'y')",
  "insert into orders (customer, n) values (1, '\\'; INSERT INTO `other` VALUES (7);\\n-- Dumping data for table `other`'), (2, null)",
  'insert into `a` values (5)',
  "insert into sums (a, e, f) values (1, 'x', 7), (2, 'x', 8)",
  'insert into `a.b` values (6)',
  'insert into `odd ``x\nof two lines` values (3)',
];
const ofMariadb = [
  'create sequence codes start with 100',
  'create sequence nobodys',
  'create table coded (id bigint primary key default nextval(codes), x int) with system versioning',
  'insert into coded (x) values (1), (2)',
  'update coded set x = 3',
  'create table dated (id int primary key, x int, s timestamp(6) generated always as row start, u timestamp(6) generated always as row end, period for system_time (s, u)) with system versioning',
  'insert into dated (id, x) values (1, 2)',
];

const servers = [
  { name: 'MariaDB 10.11', start: () => startMariadb({ series: '10.11' }), more: ofMariadb },
  { name: 'MariaDB 11.8', start: () => startMariadb({ series: '11.8' }), more: ofMariadb },
  { name: 'MySQL', start: () => startMysql({ settings: { 'log-bin-trust-function-creators': 'ON' } }), more: [] },
];
const odd = 'odd `x\nof two lines';

describe.each(servers)('$name', ({ start, more }) => {
  let server: DatabaseServer;
  let tools: Tools;
  let manifest: Manifest;
  const scene = memoryScene();
  const engine = (database: string) => mariadbEngine(loginTo(server, database), tools);

  beforeAll(async () => {
    tools = await layerTools();
    server = await start();
    const admin = await connect(server);
    await admin.query('create database shop character set utf8mb4; use shop');
    for (const statement of [...common, ...more]) await admin.query(statement);
    await admin.end();
    const source = {
      name: 'shop' as SourceName,
      engine: engine('shop'),
      timeZone: 'UTC',
      retention: { count: 9 },
      compressionLevel: 1,
      parallel: 2,
    };
    manifest = await backup(source, scene.deps(), limit());
  }, startLimitMs);
  afterAll(() => server?.stop());

  const restoring = (
    to: string,
    tables: string[] | undefined,
    more: Partial<Parameters<typeof restoreRecorded>[2]> = {},
  ) =>
    restoreRecorded(
      manifest,
      engine(to),
      { replace: false, owners: true, proof: true, tables, ...more },
      { ...scene.deps(), parallel: 2 },
      limit(),
    );

  /** What the stock program prints of some tables, or of all that a database holds. */
  async function dumped(database: string, tables: string[] = [], more: string[] = []): Promise<string> {
    const whole = tables.length === 0 ? ['--routines', '--events'] : [];
    const options = ['--skip-comments', '--triggers', ...whole, ...more];
    const run = dumpRun(tools, loginTo(server, database), options, tables);
    const text = Buffer.concat(await Array.fromAsync(programOutput(run, limit()))).toString();
    // around routines and events, of which there are none
    return text.replace(/^.*save_time_zone.*\n/gm, '');
  }

  test.each([
    ['orders', ['orders'], ['orders']],
    ['a name with a newline', [odd], [odd]],
    ['two of one beginning', ['a', 'a.b'], ['a', 'a.b']],
  ])('the stock dump of %s is the same before and after, and nothing else is there', async (name, asked, tables) => {
    const to = name.replaceAll(' ', '_');
    const { proof } = await restoring(to, asked);

    expect(proof).toMatchObject({ tables: tables.length, differences: [] });
    expect(await dumped(to)).toBe(await dumped('shop', tables));
  });

  test('the proof says what was left out, and the end how the rows come back', async () => {
    const { proof, notes } = await restoring('told', ['orders']);

    expect(proofSentence(proof!)).toMatch(
      /^proven equal, except \d tables of the backup, not asked for; 1 view, 1 function, 1 event, .*: 1 table, 2 rows, \d+ definitions$/,
    );
    expect(notes.join('\n')).toContain(
      'INSERT INTO `shop`.`orders` (`id`, `customer`, `m`, `n`) SELECT `id`, `customer`, `m`, `n` FROM `told`.`orders`;',
    );
    expect(notes).toContain(
      '`orders` has foreign keys to `customer`, which are not here: no row can be added before they are, or after ' +
        'ALTER TABLE `orders` DROP FOREIGN KEY `fk_customer`;',
    );
    expect(notes.join('\n')).toMatch(/read from the vault: \d of \d parts/);
  });

  test('the statements that the end prints bring rows back, and leave to the server what it computes', async () => {
    const columns = {
      sums: 'a, b, `c, ``d`, e, f',
      a: '`b.c`',
      [odd]: '`a b`',
      ...(more.length > 0 && { dated: 'id, x', coded: 'id, x' }),
    };
    const { notes } = await restoring('brought', Object.keys(columns));
    const admin = await connect(server);
    const nameOf = (table: string) => `shop.\`${table.replaceAll('`', '``')}\``;
    const rows = async () => {
      const read = Object.entries(columns).map(([table, some]) => `select ${some} from ${nameOf(table)} order by 1`);
      const answers: unknown[] = [];
      for (const select of read) answers.push((await admin.query(select))[0]);
      return answers;
    };
    const before = await rows();
    for (const table of Object.keys(columns)) await admin.query(`delete from ${nameOf(table)}`);
    for (const [statement] of notes.join('\n').matchAll(/INSERT INTO [^;]*;/g)) await admin.query(statement);
    const after = await rows();
    await admin.end();

    expect(before).not.toContainEqual([]);
    expect(after).toEqual(before);
  });

  test('definitions alone are those of the stock dump, without a row', async () => {
    const { proof } = await restoring('definitions', undefined, { schemaOnly: true, events: true });
    const text = async (database: string) =>
      (await dumped(database, [], ['--no-data']))
        .replaceAll(`\`${database}\``, 'db')
        .replace(/AUTO_INCREMENT=\d+ /g, '');

    expect(proof).toMatchObject({ tables: manifest.tables.length, rows: 0, differences: [] });
    expect(await text('definitions')).toBe(await text('shop'));
  });

  test('a table that is not there is refused with what is near, before anything is made', async () => {
    await expect(restoring('never', ['ordrs'])).rejects.toMatchObject({
      code: 'input-invalid',
      message: 'the backup holds no table ordrs, did you mean "orders"?',
    });
    await expect(restoring('shop', ['orders'], { replace: true })).rejects.toMatchObject({ code: 'input-invalid' });
    const admin = await connect(server);
    const [found] = await admin.query("show databases like 'never'");
    await admin.end();
    expect(found).toEqual([]);
  });

  test('rows that came out otherwise are found, and no end counts as a proof of the whole backup', async () => {
    const before = manifest;
    manifest = { ...manifest, tables: manifest.tables.map((table) => ({ ...table, fingerprint: 'f'.repeat(16) })) };
    await expect(restoring('differs', ['customer']).finally(() => (manifest = before))).rejects.toMatchObject({
      code: 'proof-failed',
      message: expect.stringContaining('table `customer` has the right number of rows, and other content'),
    });
    expect((await scene.files()).filter((file) => file.includes('proofs'))).toEqual([]);
  });

  if (more.length === 0) return;

  test('a sequence that a column draws from comes with it, where it stood, and so does the history of its rows', async () => {
    const { proof } = await restoring('coded', ['coded']);
    const admin = await connect(server);
    const [rows] = await admin.query('select count(*) as n from coded.coded for system_time all');
    await admin.query('insert into coded.coded (x) values (9)');
    const [ids] = await admin.query('select id > 101 as behind from coded.coded where x = 9');
    const [sequences] = await admin.query(
      "select table_name as name from information_schema.tables where table_schema = 'coded' and table_type = 'SEQUENCE'",
    );
    await admin.end();

    expect(proof).toMatchObject({ tables: 1, differences: [] });
    expect([rows, ids, sequences]).toEqual([[{ n: '4' }], [{ behind: 1 }], [{ name: 'codes' }]]);
  });
});
