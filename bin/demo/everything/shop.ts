import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fillMariadb } from '../../../test/data/mariadb/fill.ts';
import { fillPostgres } from '../../../test/data/postgres/fill.ts';
import { ociTypes, pushBlob, pushDocument } from '../../../test/support/image/pushing.ts';
import { askMariadb, askPostgres } from '../questions.ts';
import { database } from '../shop.ts';
import type { DemoMachine } from './machine.ts';

/** The shop's code: it logs in by its own settings, as its own users, and looks at its own pictures. */
const code = `#!/bin/sh
# What the owner looks at in the morning.
set -eu
cd "$(dirname "$0")/.."
. ./.env
export PGPASSWORD="$POSTGRES_PASSWORD" MYSQL_PWD="$MARIADB_PASSWORD"
psql -XAt --host 127.0.0.1 --user shop --dbname shop --command 'select count(*), max(placed_at) from orders'
mariadb --no-defaults --protocol tcp --host 127.0.0.1 --user shop --batch --skip-column-names shop \\
  --execute 'select count(*), sum(id) from page_views'
sha256sum media/*
`;

/** Makes the whole shop: databases with users of their own, code, settings, pictures, an image. */
export async function makeShop(
  { srv, postgres, mariadb, registry }: DemoMachine,
  megabytes: number,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    fillPostgres({ ...postgres, database, megabytes: megabytes * 0.6 }, signal),
    fillMariadb({ ...mariadb, database, megabytes: megabytes * 0.4 }, signal),
  ]);
  const [forPostgres, forMariadb] = [randomBytes(12).toString('hex'), randomBytes(12).toString('hex')];
  await askPostgres({ ...postgres, database })(async (query) => {
    await query(`create role shop login password '${forPostgres}'`);
    await query('grant select on all tables in schema public to shop');
  }, signal);
  await askMariadb({ ...mariadb, database })(async (query) => {
    await query(`create user shop identified by '${forMariadb}'`);
    await query(`grant select on ${database}.* to shop`);
  }, signal);
  const home = join(srv, 'shop');
  for (const folder of ['code', 'media']) await mkdir(join(home, folder), { recursive: true });
  await writeFile(join(home, '.env'), `POSTGRES_PASSWORD=${forPostgres}\nMARIADB_PASSWORD=${forMariadb}\n`);
  await chmod(join(home, '.env'), 0o600);
  await writeFile(join(home, 'code/morning.sh'), code);
  await chmod(join(home, 'code/morning.sh'), 0o755);
  for (let number = 0; number < 40; number += 1)
    await writeFile(join(home, 'media', `café ${number}.jpg`), randomBytes(50_000));
  await pushImage(registry.url);
}

/** An image with one layer of any content. */
async function pushImage(url: string): Promise<void> {
  const to = { url, repository: 'shop/app' };
  const layer = await pushBlob(to, randomBytes(1_000_000), ociTypes.layer);
  const about = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [layer.digest] } };
  const config = await pushBlob(to, JSON.stringify(about), ociTypes.config);
  const manifest = { schemaVersion: 2, mediaType: ociTypes.manifest, config, layers: [layer] };
  await pushDocument(to, manifest, ociTypes.manifest, '1.2');
}
