import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import type { Token } from '../../../../core/ports.ts';
import { rdsToken } from '../../../../core/secrets/rds-token.ts';
import type { Tools } from '../../../../core/tools.ts';
import { debianRoot } from '../../../../layers/db-tools/debian/debian.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { connect, limit, loadAll, loginTo, readAll } from '../../../support/mariadb/mariadb.ts';
import { layerTools } from '../../../support/tools.ts';
import { refusalOf } from '../../../support/iam/token.ts';

// RDS switches to `mysql_clear_password` and asks IAM about what it gets. The server here does the first, by the plugin
// that MariaDB tests that with, and compares with what its administrator has written.
const role = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'secret', sessionToken: 'of-the-session+/='.repeat(80) };
const before = { ...process.env };
const region = 'eu-central-1';

let server: DatabaseServer;
let tools: Tools;
let admin: mysql.Connection;
let settings: Record<string, string>;

beforeAll(async () => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: role.accessKeyId,
    AWS_SECRET_ACCESS_KEY: role.secretAccessKey,
    AWS_SESSION_TOKEN: role.sessionToken,
    AWS_REGION: region,
  });
  const report = (line: string) => void process.stderr.write(`${line}\n`);
  const plugins = await debianRoot(
    { name: 'mariadb-test', suites: ['trixie'], packages: ['mariadb-test'], withDependencies: false },
    report,
    AbortSignal.timeout(20 * 60_000),
  );
  settings = { 'plugin-dir': join(plugins, 'usr/lib/mysql/plugin'), 'plugin-maturity': 'unknown' };
  [server, tools] = await Promise.all([startMariadb({ series: '11.8', tls: true, settings }), layerTools()]);
  admin = await connect(server);
  await admin.query(`INSTALL SONAME 'auth_test_plugin'; CREATE DATABASE shop; USE shop; CREATE TABLE orders (id int PRIMARY KEY, what text);
    INSERT INTO orders SELECT seq, concat('order ', seq) FROM seq_1_to_1000;
    CREATE USER 'backup' IDENTIFIED WITH cleartext_plugin_server AS 'nothing yet'; GRANT ALL ON *.* TO 'backup' WITH GRANT OPTION`);
}, 20 * 60_000);

afterAll(async () => {
  process.env = before;
  await admin?.end();
  await server?.stop();
});

/**
 * A token of RDS that the server takes from now on, in the place of the one before; and what was made. Later than
 * `until` it takes none.
 */
function judged(until = Infinity): Token & { made: string[] } {
  const { make, refusedHint } = rdsToken({
    host: server.host,
    port: server.port,
    user: 'backup',
    resourceId: 'cluster-ABC',
  });
  const made: string[] = [];
  return {
    made,
    refusedHint,
    async make(signal) {
      const token = await make(signal);
      expect(
        refusalOf(token, { host: server.host, port: server.port, user: 'backup', region, now: new Date() }, role),
      ).toBeUndefined();
      // tokens of one second are equal: this tells them apart
      const own = `${token}#${made.push(token)}`;
      await admin.query(
        `UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.authentication_string', ?) WHERE User = ` +
          `'backup'; FLUSH PRIVILEGES`,
        [made.length > until ? 'refused' : own],
      );
      return own;
    },
  };
}

// one after the other: this server knows one token at a time, and RDS each that is good
test('a backup and a restore give each connection a token of its own, as it is', async () => {
  const password = judged();
  const engine = (database: string) =>
    mariadbEngine(loginTo(server, database, { user: 'backup', password, lockTimeoutMs: 60_000, parallel: 1 }), tools);

  const copy = await readAll(engine('shop'));
  const ofBackup = password.made.length;
  await loadAll(engine('restored'), copy);
  const again = await readAll(engine('restored'));

  expect(copy.tables).toMatchObject([{ table: '`orders`', rows: 1000 }]);
  expect(again.tables).toEqual(copy.tables);
  // the catalogue before and after, and a program for each part
  expect([ofBackup >= 4, password.made.length - ofBackup >= 8]).toEqual([true, true]);
  expect(password.made[0]!.length).toBeGreaterThan(1500);
});

test.each([
  ['the first connection', 0],
  ['a program', 1],
])('when %s is refused, the error names what to allow, and holds no token', async (_, until) => {
  const engine = mariadbEngine(loginTo(server, 'shop', { user: 'backup', password: judged(until) }), tools);

  const error: unknown = await readAll(engine).catch((reason: unknown) => reason);

  expect(error).toMatchObject({
    code: 'source-unreachable',
    message: expect.stringMatching(/^mariadb:\/\/backup@127\.0\.0\.1:\d+\/shop: .*Access denied for user 'backup'/s),
    hint: expect.stringContaining('rds-db:connect on arn:aws:rds-db:<region>:<account>:dbuser:cluster-ABC/backup'),
  });
  const { cause, message } = error as Error;
  expect(`${message}${JSON.stringify(error)}${String(cause)}${JSON.stringify(cause)}`).not.toMatch(
    /X-Amz|of-the-session/,
  );
});

test('a password is told as it is to no server whose certificate was not checked', async () => {
  const plain = await startMariadb({ series: '11.8', settings });
  try {
    const root = await connect(plain);
    await root.query(
      `INSTALL SONAME 'auth_test_plugin'; CREATE DATABASE shop; CREATE USER 'backup' IDENTIFIED WITH ` +
        `cleartext_plugin_server AS 'open'; GRANT ALL ON *.* TO 'backup'`,
    );
    await root.end();

    await expect(
      mariadbEngine(loginTo(plain, 'shop', { user: 'backup', password: 'open' }), tools).plan({}, limit()),
    ).rejects.toMatchObject({
      message: expect.stringContaining('mysql_clear_password'),
    });
  } finally {
    await plain.stop();
  }
});
