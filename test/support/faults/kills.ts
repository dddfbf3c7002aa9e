import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { listBackups } from '../vaults/listed.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { PostgresScene } from '../postgres.ts';
import { bundledLauncher } from '../cli/bundled.ts';
import { layerRoot } from '../tools.ts';
import { limit } from '../vaults/vault.ts';
import type { VaultScene } from '../vaults/vault.ts';

const shop = 'shop' as SourceName;

/** What a vault is called in `nightjar.yaml`, and the secrets that it names. */
export type Configured = { vault: unknown; env: Record<string, string> };
type Run = { code: number | null; killed: string | null; said: string; tookMs: number };

/** A database `shop` with rows that hardly get smaller: 75,000 of them take more than one part of an upload to S3. */
export async function makeShop({ sql }: Pick<PostgresScene, 'sql'>, rows: number): Promise<void> {
  await sql('postgres', 'create database shop');
  await sql(
    'shop',
    `create table orders (id int primary key, item text);
    insert into orders select g, (select string_agg(md5(g::text || n), '') from generate_series(1, 8) n) from generate_series(1, ${rows}) g;`,
  );
}

/**
 * `nightjar backup shop` so many times, each stopped by a signal at another moment; after each there is one more
 * backup, complete, or none.
 */
export async function stoppedOften(
  times: number,
  scene: PostgresScene,
  { vault: place, env }: Configured,
  { vault, deps, files }: VaultScene,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-kills-'));
  const { host, port, user, password } = scene.server;
  const layer = await layerRoot();
  await writeFile(
    join(folder, 'nightjar.yaml'),
    JSON.stringify({
      vault: place,
      sources: { shop: { postgres: { host, port, user, database: 'shop', password: { env: 'SHOP_PASSWORD' } } } },
    }),
  );
  const run = (signal?: NodeJS.Signals, afterMs?: number) =>
    nightjarIn(folder, { ...env, SHOP_PASSWORD: password, NIGHTJAR_TOOLS: layer }, ['backup', 'shop'], signal, afterMs);
  /** But for the records of failures, which are meant to stay. */
  const copies = async () => (await files()).filter((path) => !path.includes('/failures/'));

  try {
    const whole = await run();
    expect(whole).toMatchObject({ code: 0, said: expect.stringContaining('shop') });
    let known = (await listBackups(shop, vault, limit())).length;
    let none = 0;
    let usualMs = whole.tookMs;
    for (let round = 0; round < times; round += 1) {
      const signal = round % 2 === 0 ? 'SIGKILL' : 'SIGTERM';
      const before = await copies();
      // the first third of a run loads the program, and there is nothing to be spoilt
      const result = await run(signal, usualMs * (0.3 + (0.9 * ((round * 37) % times)) / times));
      // a busy machine is slower at one time than at another
      if (result.code === 0) usualMs = result.tookMs;
      const backups = await listBackups(shop, vault, limit());

      expect(backups.length - known).toBeLessThanOrEqual(1);
      if (backups.length > known) {
        const newest = backups.at(-1)!;
        if (newest.status !== 'complete') throw new Error(newest.why);
        expect((await verify(newest.manifest, deps(), limit())).problems).toEqual([]);
      } else {
        none += 1;
        if (signal === 'SIGTERM' && result.killed === null) {
          expect({ code: result.code, said: result.said }).toEqual({
            code: 143,
            said: expect.stringMatching(/stopped/i),
          });
          expect(await copies()).toEqual(before);
        }
      }
      known = backups.length;
    }
    expect(none).toBeGreaterThan(times / 5);
    expect(await run()).toMatchObject({ code: 0 });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * `nightjar restore shop --to shop --replace` so many times, each killed at another moment: after each, the database
 * under its name is whole, be it the old one or the restored one; in the end a restore succeeds, and nothing is left but
 * what is kept, which `--undo` brings back. Returns how often which of them stood there.
 */
export async function replacedOften(
  times: number,
  scene: PostgresScene,
  { vault: place, env }: Configured,
): Promise<{ old: number; replaced: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-kills-'));
  const { host, port, user, password } = scene.server;
  const layer = await layerRoot();
  await writeFile(
    join(folder, 'nightjar.yaml'),
    JSON.stringify({
      vault: place,
      sources: { shop: { postgres: { host, port, user, database: 'shop', password: { env: 'SHOP_PASSWORD' } } } },
    }),
  );
  const run = (args: readonly string[], signal?: NodeJS.Signals, afterMs?: number) =>
    nightjarIn(folder, { ...env, SHOP_PASSWORD: password, NIGHTJAR_TOOLS: layer }, args, signal, afterMs);
  const replace = ['restore', 'shop', '--to', 'shop', '--replace', '--yes'];
  const found = { old: 0, replaced: 0 };

  try {
    expect(await run(['backup', 'shop'])).toMatchObject({ code: 0 });
    const [{ rows: whole }] = (await scene.sql('shop', 'select count(*)::int as rows from orders')) as [
      { rows: number },
    ];
    let usualMs = (await run(replace)).tookMs;
    for (let round = 0; round < times; round += 1) {
      await scene.sql(
        'shop',
        `drop table if exists newer; create table newer as select ${round} as round; delete from orders where id = 1`,
      );
      const killed = await run(replace, 'SIGKILL', usualMs * (0.15 + (0.9 * ((round * 37) % times)) / times));
      if (killed.code === 0) usualMs = killed.tookMs;

      const [{ rows, newer }] = (await scene.sql(
        'shop',
        `select count(*)::int as rows, to_regclass('newer')::text as newer from orders`,
      )) as [{ rows: number; newer: string | null }];
      expect({ round, rows, newer }).toEqual(
        newer === null ? { round, rows: whole, newer: null } : { round, rows: whole - 1, newer: 'newer' },
      );
      found[newer === null ? 'replaced' : 'old'] += 1;
    }
    expect(await run(replace)).toMatchObject({ code: 0, said: expect.stringContaining('proven equal') });
    expect(await otherThanKept(scene)).toEqual([{ datname: 'shop' }]);
    const undo = ['restore', 'shop', '--undo', '--yes'];
    expect(await run(undo)).toMatchObject({ code: 0, said: expect.stringContaining('is what it was before') });
    expect(await run(['restore', 'shop', '--drop-old', '--yes'])).toMatchObject({ code: 0 });
    await scene.sql('shop', 'drop table if exists newer');
    expect(
      await scene.sql('postgres', `select datname from pg_database where not datistemplate and datname <> 'postgres'`),
    ).toEqual([{ datname: 'shop' }]);
    return found;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The databases of the server but for those that were replaced, which are marked. */
function otherThanKept(scene: PostgresScene): Promise<Record<string, unknown>[]> {
  return scene.sql(
    'postgres',
    `select datname from pg_database where not datistemplate and datname <> 'postgres'
      and coalesce(shobj_description(oid, 'pg_database'), '') not like 'nightjar replaced "shop" at 20__-%'`,
  );
}

/** Sent a signal after so long; never, where that is undefined. */
function nightjarIn(
  cwd: string,
  env: Record<string, string>,
  args: readonly string[],
  signal?: NodeJS.Signals,
  afterMs?: number,
): Promise<Run> {
  const began = Date.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [bundledLauncher(), ...args], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, NODE_COMPILE_CACHE: join(tmpdir(), 'compiled'), ...env },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    if (signal !== undefined) setTimeout(() => child.kill(signal), afterMs);
    child.on('close', (code, killed) => resolve({ code, killed, said, tookMs: Date.now() - began }));
  });
}

/** Hands a stream on, and does something once a little of it has passed. */
export async function* acting(
  body: AsyncIterable<Uint8Array>,
  act: () => Promise<void> | void,
): AsyncIterable<Uint8Array> {
  let acted = false;
  for await (const chunk of body) {
    yield chunk;
    if (!acted) await act();
    acted = true;
  }
}
