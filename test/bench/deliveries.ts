import mysql from 'mysql2/promise';
import pg from 'pg';
import type { Store } from '../data/clothing-store.ts';

const bytesPerRow = 650;
const hashes = 22;

/**
 * What integrations leave behind in a shop's database: a log of webhooks with signatures and encoded payloads. Wide rows that hardly compress, as
 * tokens, hashes and base64 do in real ones; the store's own rows are narrow and compress well.
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
      md5('signed ' || n) || md5('sealed ' || n), '{"event":"order.paid","attempt":1,"payload":"' || translate(encode(decode(${random}, 'hex'), 'base64'), e'\\n', '') || '"}'
    from generate_series(1, ${rows}) n;
    analyze deliveries`);
  await client.end();
}

async function inMariadb({ host, port, user, password, database }: Store, rows: number): Promise<void> {
  const connection = await mysql.createConnection({ host, port, user, password, database, charset: 'utf8mb4', multipleStatements: true });
  const random = Array.from({ length: hashes }, (_, index) => `md5(concat('${index} ', seq))`).join(', ');
  await connection.query(`
    set time_zone = '+00:00', unique_checks = 0;
    create table deliveries (id bigint primary key, sent_at timestamp not null, endpoint varchar(100) not null, status int not null, signature char(64) not null, body text not null);
    insert into deliveries select seq, timestamp('2026-01-01') + interval seq * 7 second, concat('https://hooks.example.com/v2/', elt(1 + seq % 3, 'orders', 'refunds', 'stock')), 200,
      concat(md5(concat('signed ', seq)), md5(concat('sealed ', seq))), concat('{"event":"order.paid","attempt":1,"payload":"', replace(to_base64(unhex(concat(${random}))), '\\n', ''), '"}')
    from seq_1_to_${rows}`);
  await connection.end();
}
