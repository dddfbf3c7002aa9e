import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { dataGrammar } from '../../../../core/engines/postgres/restore/text/data-grammar.ts';
import { postgresRun } from '../../../../core/engines/postgres/programs.ts';
import { restricted } from '../../../../core/engines/postgres/restore/text/restricted.ts';
import { guarded } from '../../../../core/pipeline/guard.ts';
import { programInput, programText } from '../../../../core/pipeline/program.ts';
import type { Tools } from '../../../../core/tools.ts';
import { openStore } from '../../../../core/store/store.ts';
import { canaryFile } from '../../../support/canary.ts';
import type { Canary } from '../../../support/canary.ts';
import { limit, makeEvery, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';
import { pieces } from '../../../support/mariadb/mariadb.ts';

let canary: Canary;
let scene: PostgresScene;

beforeAll(async () => {
  canary = await canaryFile();
  scene = await postgresScene(15);
  await makeEvery(scene);
  await scene.sql('postgres', 'create database hostile');
  await scene.sql('hostile', `create table orders (id int, note text); create sequence numbers`);
}, 1_200_000);
afterAll(async () => {
  await canary?.remove();
  await scene?.stop();
});

const honest = [
  '--\n-- PostgreSQL database dump\n--\n\n\\restrict 4f2a\n\nSET statement_timeout = 0;\nSET client_encoding = ' +
    "'UTF8';\nSET standard_conforming_strings = on;\n",
  `SELECT pg_catalog.set_config('search_path', '', false);\nSET xmloption = content;\n\n--\n-- Data for Name: ` +
    `orders; Type: TABLE DATA; Schema: public; Owner: postgres\n--\n\n`,
  'COPY public.orders (id, note) FROM stdin;\n',
  '1\tfirst\n2\t\\\\.\n3\t\\N\n',
  '\\.\n',
  `\n\nSELECT pg_catalog.setval('public.numbers', 7, true);\n\n`,
  `BEGIN;\n\nSELECT pg_catalog.lo_open('4711', 131072);\nSELECT pg_catalog.lowrite(0, '\\x00ff');\nSELECT ` +
    `pg_catalog.lo_close(0);\n\nCOMMIT;\n\n`,
  '--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict 4f2a\n\n',
];

/** What has passed, or the error. */
async function passed(part: Buffer, size = 64 * 1024): Promise<Buffer | Error> {
  return Array.fromAsync(guarded(pieces(part, size), dataGrammar, 'data/0002.sql.zst')).then(
    (chunks) => Buffer.concat(chunks),
    (error: Error) => error,
  );
}

/** Every command of psql, with whatever a shell could be reached by. */
async function commands(): Promise<string[]> {
  const help = await programText(
    postgresRun(scene.tools, 'psql', 18, scene.login('hostile'), ['--help=commands']),
    limit(),
  );
  const names = [...new Set([...help.matchAll(/\\([a-z_?!+]+)/gi)].map(([, name]) => name!))];
  expect(names.length).toBeGreaterThan(80);
  const touch = `touch ${canary.path}`;
  const plain = names.flatMap((name) => [`\\${name}`, `\\${name} |${touch}`, `\\${name} \`${touch}\``]);
  return [
    ...plain,
    `\\! ${touch}`,
    `\\!${touch}`,
    `\\copy orders to program '${touch}'`,
    `\\o |${touch}\nselect 1;`,
    `select 1 \\g |${touch}`,
    `select 1 \\gx |${touch}`,
    '\\unrestrict',
    '\\unrestrict 4f2a',
    '\\restrict 4f2a extra',
  ];
}

const statements = [
  'create table canary ()',
  `copy public.orders to program 'touch X'`,
  `COPY public.orders (id, note) FROM PROGRAM 'touch X'`,
  `COPY public.orders (id, note) FROM '/etc/passwd'`,
  'COPY (select 1) TO stdout',
  `COPY public.orders (id, note) FROM stdin WITH (FORMAT csv)`,
  `COPY public.orders (id, note) FROM stdin; create table canary ()`,
  `SELECT pg_catalog.set_config('search_path', 'x', false)`,
  `SELECT pg_catalog.setval('a', 1, true), pg_sleep(9)`,
  `SELECT pg_catalog.setval((select 'a'), 1, true)`,
  `SELECT pg_catalog.lowrite(0, '\\x00' || pg_read_file('/etc/passwd'))`,
  'SET standard_conforming_strings = off',
  `SET client_encoding = 'SJIS'`,
  `SET client_encoding = 'GBK'`,
  'SET session_preload_libraries = x',
  'SET ROLE postgres',
  'DO $$ begin create table canary (); end $$',
  '$$;$$',
  'COMMIT; create table canary ()',
  'ALTER TABLE public.orders DISABLE TRIGGER ALL, OWNER TO x',
  `SET/**/xmloption = content`,
  `set xmloption = content`,
  `E'\\';\\! touch X'`,
  `SELECT 1 AS "\\gset"`,
  'INSERT INTO public.orders VALUES (1)',
  ':canary',
  'SELECT :x',
];

/** The honest part with something put into each of its places. */
function placed(what: string): Buffer[] {
  const everywhere = honest.map((_, at) => honest.toSpliced(at, 0, `${what}\n`).join(''));
  const inside = [
    honest.join('').replace('\\.\n', `\\.\r\n${what}\n\\.\n`),
    honest.join('').replace('\\.\n', `\\. \n${what}\n\\.\n`),
    honest.join('').replace('\\.\n', `\\.${what}\n\\.\n`),
    honest.join('').replace('\\.\n', `1\tx\0\n\\.\n${what}\n`),
    honest.join('').replace('first', `first\r\\.\r${what}\r`),
    honest.join('').replace('FROM stdin;\n', `FROM stdin; ${what}\n`),
    honest.join('').replace('xmloption = content;', `xmloption = content; ${what}`),
    honest.join('').replace('-- Data for', `-- Data for\r${what}\n-- `),
    honest.join('').replace('public.orders (', `public.orders\n${what}\n(`),
    `\ufeff${what}\n${honest.join('')}`,
    `\0${what}\n${honest.join('')}`,
    `\v${what}\n${honest.join('')}`,
    `${honest.join('')}${what}\n`,
    `${honest.join('')}${what}`,
  ];
  return [...everywhere.filter((_, at) => at !== 4 && at !== 3), ...inside].map((text) => Buffer.from(text));
}

test('an honest part passes whole, whatever its chunks, but for the transaction and the restriction of its own', async () => {
  const part = Buffer.from(honest.join(''));

  for (const size of [1, 2, 3, 7, 64, 1000]) {
    expect((await passed(part, size)).toString()).toBe(
      honest.join('').replace(/\\(?:un)?restrict 4f2a\n|BEGIN;\n|COMMIT;\n/g, ''),
    );
  }
});

test('thousands of hostile parts: whatever is put anywhere outside of a row is refused before it reaches the client', async () => {
  const what = [...(await commands()), ...statements.map((one) => `${one};`), ...statements];
  let tried = 0;
  for (const [index, one] of what.entries()) {
    const odd = /^\s*(--|\\(un)?restrict \w+$)/.test(one);
    for (const part of placed(one)) {
      const outcome = await passed(part, [1 << 16, 1, 3][(tried += 1) % 3 === 0 && index % 7 === 0 ? 1 : 0]);
      if (!odd && !(outcome instanceof Error)) throw new Error(`passed: ${one} in\n${part.toString()}`);
      if (!(outcome instanceof Error)) expect(outcome.toString()).not.toContain('restrict');
    }
  }
  for (const encoding of ['utf16le', 'latin1'] as const)
    expect(await passed(Buffer.from(`\\! touch x\n${honest.join('')}`, encoding))).toMatchObject({
      code: 'part-corrupt',
    });

  expect(tried).toBeGreaterThan(5000);
});

test('memory is bounded: a statement or a line without an end is refused, and a row may be as long as it likes', async () => {
  async function* endless(head: string, of: string): AsyncIterable<Uint8Array> {
    yield Buffer.from(head);
    for (let mb = 0; mb < 64; mb += 1) yield Buffer.alloc(1024 * 1024, of);
  }
  const read = async (head: string, of: string) => {
    let bytes = 0;
    for await (const chunk of guarded(endless(head, of), dataGrammar, 'p')) bytes += chunk.length;
    return bytes;
  };

  await expect(read(`SELECT pg_catalog.lowrite(0, '\\x`, '0')).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('a statement without an end'),
  });
  await expect(read('-- ', 'x')).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('a statement without an end'),
  });
  await expect(read('COPY a FROM stdin;\n', 'x')).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('an end in the middle'),
  });
});

test('the message names part, line and kind, and no control character', async () => {
  const outcome = await passed(Buffer.from(`${honest.slice(0, 5).join('')}\n\\!\x1b[31m ${'secret '.repeat(20)}\n`));

  expect(String(outcome)).toBe(
    'BackupError: data/0002.sql.zst holds at line 23 a command to the client: \\!??31m secret secret secret ' +
      'secret secr',
  );
});

describe.each([15, 17, 18] as const)('psql %i', (major) => {
  /** Feeds psql as a restore does, and goes on after each error. */
  async function fed(script: Buffer, how: string[] = []): Promise<unknown> {
    const run = postgresRun(
      scene.tools,
      'psql',
      major,
      scene.login('hostile'),
      ['--no-psqlrc', '--quiet', ...how, '--file=-'],
      15,
    );
    return programInput(run, restricted(pieces(script)), limit()).catch((error: unknown) => error);
  }

  test('under the restriction alone, without the grammar, no command of psql reaches a shell', async () => {
    const all = await commands();
    await fed(Buffer.from(all.map((command) => `select 1;\n${command}\n;\n`).join('')));
    for (const command of all.slice(-10)) await fed(Buffer.from(`${command}\n`));

    expect(canary.sings()).toBe(false);
  }, 120_000);

  test('names that hold commands are names', async () => {
    const name = `"x\n\\! touch ${canary.path}\n\\o |touch ${canary.path}"`;
    const part = Buffer.from(honest.join('').replace('public.orders', name));
    const through = await passed(part);
    await fed(through as Buffer, ['--set=ON_ERROR_STOP=1', '--single-transaction']);

    expect(through).toBeInstanceOf(Buffer);
    expect(canary.sings()).toBe(false);
    expect(await scene.sql('hostile', `select relname from pg_class where relname = 'canary'`)).toEqual([]);
  });
});

test('a psql that knows no restriction is refused, with what to do', async () => {
  const older: Tools = { ...scene.tools, program: (name, major) => scene.tools.program(name, major) };
  const run = postgresRun(older, 'psql', 15, scene.login('hostile'), [
    '--no-psqlrc',
    '--quiet',
    '--set=ON_ERROR_STOP=1',
    '--file=-',
  ]);
  async function* unknown(): AsyncIterable<Uint8Array> {
    // an older psql says of `\restrict` what this one says of `\restrict_`
    for await (const chunk of restricted(pieces(Buffer.from(`\\! touch ${canary.path}\n`))))
      yield Buffer.from(Buffer.from(chunk).toString().replace('\\restrict ', '\\restrict_ '));
  }

  await expect(programInput(run, unknown(), limit())).rejects.toMatchObject({
    code: 'tools-missing',
    hint: expect.stringContaining('nightjar layer update'),
  });
  expect(canary.sings()).toBe(false);
});

test('every part that the stock pg_dump writes of a database with every feature passes', async () => {
  for (const major of [15, 17, 18]) {
    for (const how of [
      ['--section=data'],
      ['--data-only', '--disable-triggers', '--no-blobs'],
      ['--section=data', '--encoding=UTF8', '--load-via-partition-root'],
    ]) {
      const text = await programText(
        postgresRun(scene.tools, 'pg_dump', major, scene.login('every'), ['--format=plain', ...how], 15),
        limit(),
      );
      const outcome = await passed(Buffer.from(text), 1000);

      expect(outcome.toString()).toBe(text.replace(/^\\(?:un)?restrict \w+\n|^BEGIN;\n|^COMMIT;\n/gm, ''));
    }
  }
});

describe('what goes on after a failure reads no part otherwise than the grammar did', () => {
  const hostile = [
    // to whoever looks for lines that begin with COPY, each of these hides where rows begin or end
    ` COPY public.missing (a) FROM stdin;\ncreate table public.canary ();\n\\.\n`,
    `SELECT pg_catalog.setval('x\nCOPY public.orders (id, note) FROM stdin;\n\\.\ncreate table public.canary ` +
      `();\n', 1, true);\n`,
    `COPY "x FROM stdin;\n\\.\ncreate table public.canary ();\n" (a) FROM stdin;\n\\.\n`,
    `COMMENT ON LARGE OBJECT 1 IS 'x\nSET xmloption = content; create table public.canary ();\n';\nCOPY ` +
      `public.orders (id, note) FROM stdin;\n\\.\n`,
    `COMMENT ON LARGE OBJECT 1 IS 'x\nBEGIN;\nSELECT pg_catalog.lo_open(''\n'';create table public.canary ();--';\n`,
    `COPY public.missing (a) FROM stdin;\ncreate table public.canary ();\n\\.\nSELECT ` +
      `pg_catalog.setval('public.numbers', 7, true);\n`,
  ];
  async function kept() {
    const catalog = await backup(scene.source('every'), scene.deps(), limit()).then((manifest) =>
      openStore(scene.vault).readCatalog(manifest, limit()),
    );
    const manifest = {
      id: '20261120T020000Z-7f3a9c',
      client: { version: '15.1' },
      server: { version: '15.1' },
      parts: [{ role: 'data', file: 'data/0001.sql.zst' }],
    } as unknown as Manifest;
    return scene.source('hostile').engine.target({ manifest, catalog, owners: true, keepGoing: true }, limit());
  }
  test.each(hostile)('%j', async (text) => {
    await scene.sql('hostile', 'drop table if exists canary');
    const target = await kept();
    for (const step of target.stages.flat())
      await step
        .load(pieces(Buffer.from(`${honest[0]}${honest[1]}${text}${honest.at(-1)}`), 7), limit())
        .catch(() => {});
    await target.close();

    expect(await scene.sql('hostile', `select relname from pg_class where relname = 'canary'`)).toEqual([]);
  });

  test('rows whose table could not be made are no statements, however many there are', async () => {
    await scene.sql('hostile', 'drop table if exists canary');
    const rows = 'create table public.canary ();\n'.repeat(100_000);
    const target = await kept();
    for (const step of target.stages.flat())
      await step.load(
        pieces(
          Buffer.from(`${honest[0]}${honest[1]}COPY public.missing (a) FROM stdin;\n${rows}\\.\n${honest.at(-1)}`),
        ),
        limit(),
      );
    await target.close();

    expect(target.failures).toHaveLength(1);
    expect(await scene.sql('hostile', `select relname from pg_class where relname = 'canary'`)).toEqual([]);
  });
});
