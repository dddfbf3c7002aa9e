import mysql from 'mysql2/promise';
import pg from 'pg';
import type { Store } from '../data/clothing-store.ts';

const bytesPerRow = 700;
const hashes = 12;

/**
 * What integrations leave behind in a shop's database: a log of webhooks, each with its signature, a token in base64,
 * and the order as JSON. Wide rows, of which the half is as good as random; the store's own rows are narrow and
 * compress well. Together gzip -6 leaves 35 % of a dump; of the database that the requirements come from it left 36 %.
 */
export async function addDeliveries(engine: 'postgres' | 'mariadb', store: Store, signal: AbortSignal): Promise<void> {
  const rows = Math.round((store.megabytes * 1e6) / bytesPerRow);
  signal.throwIfAborted();
  await (engine === 'postgres' ? inPostgres(store, rows) : inMariadb(store, rows));
}

async function inPostgres({ host, port, user, password, database }: Store, rows: number): Promise<void> {
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  const random = Array.from({ length: hashes }, (_, index) => `md5('${index} ' || n)`).join(' || ');
  await client.query(`
    create table deliveries (id bigint primary key, sent_at timestamptz not null, endpoint text not null, status int not null, signature text not null, body text not null);
    insert into deliveries select n, timestamptz '2026-01-01 00:00+00' + n * interval '7 seconds', 'https://hooks.example.com/v2/' || (array['orders', 'refunds', 'stock'])[1 + n % 3], 200,
      md5('signed ' || n) || md5('sealed ' || n), '{"event":"order.paid","attempt":1,"token":"' || translate(encode(decode(${random}, 'hex'), 'base64'), e'\\n', '') || '","order":{"id":' || 500000 + n
        || ',"currency":"EUR","lines":[{"sku":"SH-' || n % 997 || '","quantity":' || 1 + n % 4 || ',"unit_price":' || 5 + n % 89 || '.95},{"sku":"TR-' || n % 613
        || '","quantity":1,"unit_price":' || 9 + n % 71 || '.50}],"shipping":{"method":"standard","country":"NL","pickup_point":null},"customer":{"id":' || n % 48611 || ',"newsletter":false}}}'
    from generate_series(1, ${rows}) n;
    analyze deliveries`);
  await client.end();
}

async function inMariadb({ host, port, user, password, database }: Store, rows: number): Promise<void> {
  const connection = await mysql.createConnection({
    host,
    port,
    user,
    password,
    database,
    charset: 'utf8mb4',
    multipleStatements: true,
  });
  const random = Array.from({ length: hashes }, (_, index) => `md5(concat('${index} ', seq))`).join(', ');
  await connection.query(`
    set time_zone = '+00:00', unique_checks = 0;
    create table deliveries (id bigint primary key, sent_at timestamp not null, endpoint varchar(100) not null, status int not null, signature char(64) not null, body text not null);
    insert into deliveries select seq, timestamp('2026-01-01') + interval seq * 7 second, concat('https://hooks.example.com/v2/', elt(1 + seq % 3, 'orders', 'refunds', 'stock')), 200,
      concat(md5(concat('signed ', seq)), md5(concat('sealed ', seq))), concat('{"event":"order.paid","attempt":1,"token":"', replace(to_base64(unhex(concat(${random}))), '\\n', ''), '","order":{"id":', 500000 + seq,
        ',"currency":"EUR","lines":[{"sku":"SH-', seq % 997, '","quantity":', 1 + seq % 4, ',"unit_price":', 5 + seq % 89, '.95},{"sku":"TR-', seq % 613,
        '","quantity":1,"unit_price":', 9 + seq % 71, '.50}],"shipping":{"method":"standard","country":"NL","pickup_point":null},"customer":{"id":', seq % 48611, ',"newsletter":false}}}')
    from seq_1_to_${rows}`);
  await connection.end();
}
