import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { database, type Shop } from './shop.ts';

/** The configuration of the demo, as a person would write it, with passwords in files of their own. */
export async function writeConfig(folder: string, shops: readonly Shop[]): Promise<void> {
  const sources = shops.map(
    ({ source, engine, server }) => `  ${source}:
    ${engine}: { host: ${server.host}, port: ${server.port}, database: ${database}, user: ${server.user}, password: { file: ${source}.password } }
`,
  );
  await writeFile(join(folder, 'nightjar.yaml'), `vault: ./backups\nsources:\n${sources.join('')}`);
  for (const { source, server } of shops)
    await writeFile(join(folder, `${source}.password`), server.password, { mode: 0o600 });
}

/** What a person writes for their own database. */
export const ownConfig = `vault: ./backups              # or s3://my-bucket/backups
sources:
  shop:
    postgres: { host: db.example.com, database: shop, user: backup,
                password: { env: SHOP_PASSWORD } }
    timeZone: Europe/Amsterdam`;
