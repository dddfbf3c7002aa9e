import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { makeCertificate } from '../../servers/certificate.ts';
import { temporaryFolder } from '../../servers/folder.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { opensslProgram } from '../../servers/root.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { emptyRoot, type EmptyRoot, type Ended } from './empty-root.ts';
import { buildLimitMs, nativeArchitecture, openLayer, type Layer, type LayerProgram } from './native-layer.ts';

let layer: Layer;
let root: EmptyRoot;

beforeAll(async () => {
  layer = await openLayer(nativeArchitecture);
  root = await emptyRoot(layer);
  await root.give('etc/hosts', '127.0.0.1 localhost elsewhere.example\n');
  await root.give('trust/wrong.pem', await strangersAuthority());
}, buildLimitMs);

afterAll(() => root.remove());

const majors = [
  { server: 13, client: 15 },
  { server: 15, client: 15 },
  { server: 17, client: 17 },
  { server: 18, client: 18 },
] as const;

describe.each(majors)('pg_dump $client from the empty root and PostgreSQL $server', ({ server: major, client }) => {
  let server: DatabaseServer;
  const run = (name: string, args: string[], { host = 'localhost', trust = 'right' } = {}): Promise<Ended> => {
    const { port, user, password } = server;
    const address = `host=${host} port=${port} user=${user} dbname=postgres sslmode=verify-full sslrootcert=/trust/${trust}.pem`;
    return root.run(program(name, client), ['-d', address, ...args], { PGPASSWORD: password });
  };

  beforeAll(async () => {
    server = await startPostgres({ major, tls: true });
    await root.give('trust/right.pem', await readFile(server.caFile!, 'utf8'));
  }, buildLimitMs);
  afterAll(() => server.stop());

  test('dumps over a verified TLS connection', async () => {
    const made = await run('psql', [
      '-c',
      "CREATE TABLE proof AS SELECT 'seen over TLS' AS words, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    ]);
    expect(made).toMatchObject({ status: 0 });

    const dump = await run('pg_dump', ['--table=proof']);

    expect(dump).toMatchObject({ status: 0, complaint: '' });
    expect(dump.output).toContain('seen over TLS\tt\n');
    expect(dump.output).toContain('-- PostgreSQL database dump complete');
  });

  test('refuses a host name that the certificate does not have', async () => {
    const dump = await run('pg_dump', [], { host: 'elsewhere.example' });

    expect(dump).toMatchObject({ status: 1, output: '' });
    expect(dump.complaint).toMatch(/server certificate .* does not match host name "elsewhere.example"/);
  });

  test('refuses a certificate of another authority', async () => {
    const dump = await run('pg_dump', [], { trust: 'wrong' });

    expect(dump).toMatchObject({ status: 1, output: '' });
    expect(dump.complaint).toMatch(/certificate verify failed/);
  });
});

const servers = [
  { what: 'MariaDB 11.8', start: () => startMariadb({ series: '11.8', tls: true }) },
  { what: 'MariaDB 10.11', start: () => startMariadb({ series: '10.11', tls: true }) },
  { what: 'MySQL', start: () => startMysql({ tls: true }) },
];

describe.each(servers)('mariadb-dump from the empty root and $what', ({ start }) => {
  let server: DatabaseServer;
  const run = (name: string, args: string[], { host = 'localhost', trust = 'right' } = {}): Promise<Ended> => {
    const secure = [
      `--ssl-ca=/trust/${trust}.pem`,
      '--ssl-verify-server-cert',
      '--plugin-dir=/opt/nightjar/mariadb/plugin',
    ];
    const place = ['--protocol=tcp', `--host=${host}`, `--port=${server.port}`];
    return root.run(program(name), ['--defaults-extra-file=/login.cnf', ...place, ...secure, ...args]);
  };

  beforeAll(async () => {
    server = await start();
    await root.give('trust/right.pem', await readFile(server.caFile!, 'utf8'));
    const password = server.password.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
    await root.give('login.cnf', `[client]\nuser=${server.user}\npassword="${password}"\n`);
  }, buildLimitMs);
  afterAll(() => server.stop());

  test('dumps over a verified TLS connection', async () => {
    const made = await run('mariadb', [
      '-e',
      "CREATE DATABASE shop; CREATE TABLE shop.proof (words TEXT); INSERT INTO shop.proof VALUES ('seen over TLS')",
    ]);
    expect(made).toMatchObject({ status: 0 });
    expect((await run('mariadb', ['-N', '-e', "SHOW STATUS LIKE 'Ssl_cipher'"])).output).toMatch(/Ssl_cipher\tTLS_/);

    const dump = await run('mariadb-dump', ['--single-transaction', 'shop']);

    expect(dump).toMatchObject({ status: 0, complaint: '' });
    expect(dump.output).toContain("('seen over TLS')");
    expect(dump.output).toContain('-- Dump completed');
  });

  test('refuses a host name that the certificate does not have', async () => {
    const dump = await run('mariadb-dump', ['shop'], { host: 'elsewhere.example' });

    expect(dump.status).not.toBe(0);
    expect(dump.output).not.toContain('seen over TLS');
    expect(dump.complaint).toMatch(/TLS\/SSL error.*(host name|hostname|verif)/i);
  });

  test('refuses a certificate of another authority', async () => {
    const dump = await run('mariadb-dump', ['shop'], { trust: 'wrong' });

    expect(dump.status).not.toBe(0);
    expect(dump.output).not.toContain('seen over TLS');
    expect(dump.complaint).toMatch(/TLS\/SSL error.*(self-signed|unable to get local issuer|verif)/i);
  });
});

function program(name: string, major?: number): LayerProgram {
  return layer.programs.find((one) => one.name === name && (major === undefined || one.major === major))!;
}

async function strangersAuthority(): Promise<string> {
  const signal = AbortSignal.timeout(buildLimitMs);
  const folder = await temporaryFolder('authority');
  try {
    const { caFile } = await makeCertificate(
      folder.path,
      await opensslProgram((line) => process.stderr.write(`${line}\n`), signal),
      signal,
    );
    return await readFile(caFile, 'utf8');
  } finally {
    await folder.remove();
  }
}
