import { join } from 'node:path';
import { run } from '../../../layers/db-tools/debian/run.ts';
import { fetchBlob, fetchDocument, sha256Of } from '../../../test/support/image/pushing.ts';
import type { Described } from '../../../test/support/image/pushing.ts';
import { differencesOf, figuresOf } from '../figures.ts';
import type { Figure } from '../figures.ts';
import { askMariadb, askPostgres } from '../questions.ts';
import { database } from '../shop.ts';
import type { debianBlog } from './blog.ts';
import type { DemoMachine } from './machine.ts';
import { pathWith } from './shell.ts';

/** What is on a machine, found without Nightjar. */
type DemoLook = {
  orders: Figure[];
  visits: Figure[];
  files: string[];
  /** The digests that its tag leads to, computed from the bytes that the registry returns. */
  image: string[];
  morning: string;
  page: string;
};

export type Onlooker = { layer: string; blog: Awaited<ReturnType<typeof debianBlog>>; cookie: string };

/** Owner, mode, time and checksum of every file, by the system's own programs; databases are queried instead. */
const listing = `find . -type f ! -name 'db.sqlite3*' -printf '%P|%U:%G|%m|%T@\\n' | sort
find . -type f ! -name 'db.sqlite3*' -print0 | sort -z | xargs -0 sha256sum`;

/** Asks both servers, the file system, and both applications as their users do. */
export async function lookAround(
  machine: DemoMachine,
  { layer, blog, cookie }: Onlooker,
  signal: AbortSignal,
): Promise<DemoLook> {
  const { srv, postgres, mariadb, registry, here } = machine;
  const env = {
    PATH: pathWith('/nonexistent', layer),
    LC_ALL: 'C',
    PGPORT: String(postgres.port),
    MYSQL_TCP_PORT: String(mariadb.port),
  };
  const sh = (words: readonly [string, ...string[]]) => run(words, { cwd: srv, env }, signal);
  return {
    orders: await figuresOf({ engine: 'postgres', ask: askPostgres({ ...postgres, database }) }, signal),
    visits: await figuresOf({ engine: 'mariadb', ask: askMariadb({ ...mariadb, database }) }, signal),
    files: (await sh(['bash', '-euo', 'pipefail', '-c', listing])).trim().split('\n'),
    image: await imageOf(registry.url),
    morning: await sh([join(here('/srv'), 'shop/code/morning.sh')]),
    page: await blog.visit(machine, cookie, signal),
  };
}

/** What is not as it was; empty if everything is. */
export function changesOf(before: DemoLook, now: DemoLook): string[] {
  const files = new Set(now.files);
  return [
    ...differencesOf(before.orders, now.orders).map((one) => `PostgreSQL: ${one}`),
    ...differencesOf(before.visits, now.visits).map((one) => `MariaDB: ${one}`),
    ...before.files.filter((line) => !files.has(line)).map((line) => `files: ${line} is not there`),
    ...(now.files.length === before.files.length ? [] : ['files: there are more, or fewer']),
    ...(now.image.join() === before.image.join() ? [] : ['the image is another, or not there']),
    ...(now.morning === before.morning ? [] : ['the shop tells something else']),
    ...(now.page === before.page ? [] : ['the blog shows something else']),
  ];
}

async function imageOf(url: string): Promise<string[]> {
  const from = { url, repository: 'shop/app' };
  const found = await fetchDocument(from, '1.2');
  if (found === undefined) return [];
  const { config, layers } = found.json as unknown as { config: Described; layers: Described[] };
  const blobs = [config, ...layers].map(async ({ digest }) => sha256Of(await fetchBlob(from, digest)));
  return [found.digest, ...(await Promise.all(blobs))];
}
