import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Connection } from 'mysql2/promise';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import { newSigningKey } from '../../../core/signing.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';
import { tamperings, vandal } from '../../support/keys/tampering.ts';
import type { Target } from '../../support/keys/tampering.ts';
import { connect } from '../../support/mariadb/mariadb.ts';

const modes = ['signed', 'sealed', 'plain'] as const;
/** Encrypted and signed; encrypted alone; neither, which nobody is to take for one of the others. */
type Mode = (typeof modes)[number];
const sources = ['shop', 'blog'] as const;
type SourceOf = (typeof sources)[number];

/** What nothing but a signature tells from the real thing (docs/vault-trust.md). */
const signatureAlone = ['the older backup under the new id, and the manifest renamed', 'the stock commands'];
/**
 * What depends on the engine, for it is known by what was restored or counted. NIGHTJAR_TAMPER=all runs each line, also
 * with signatures, which are looked at before anything else (test/unit/signing/tampered.test.ts has them all).
 */
const all = process.env['NIGHTJAR_TAMPER'] === 'all';
const byContent = /number of rows|name of a table|a table less|a part less|stock commands|the older backup/;
const lines = Object.keys(tamperings).filter((line) => all || byContent.test(line));

let scene: CliScene;
let mariadb: Awaited<ReturnType<typeof startMariadb>>;
let connection: Connection;
const targets = {} as Record<Mode, Record<SourceOf, Target>>;

beforeAll(async () => {
  [scene, mariadb] = await Promise.all([cliScene(), startMariadb({ series: '11.8' })]);
  connection = await connect(mariadb);
  await connection.query('create database blog');
  await connection.query(
    'create table blog.posts (id int primary key, note text) as select seq as id, md5(seq) as note from blog.seq_1_to_5000',
  );
  await scene.sql('shop', 'insert into orders select g, md5(g::text) from generate_series(1001, 5000) g');
  const { identity, recipient } = await newIdentity();
  const ours = newSigningKey();
  const env = { IDENTITY: identity, SIGNING: ours.privateKey, BLOG_PASSWORD: mariadb.password };
  Object.assign(scene.env, env);
  const login = `host: ${mariadb.host}, port: ${mariadb.port}, user: ${mariadb.user}, password: { env: BLOG_PASSWORD }`;
  const { server } = scene;
  const shop = `host: ${server.host}, port: ${server.port}, user: ${server.user}, password: { env: SHOP_PASSWORD }`;
  const encryption = `  encryption: { recipients: [${recipient}], identity: { env: IDENTITY } }\n`;
  const signing = `  signing: { publicKeys: [${ours.publicKey}], privateKey: { env: SIGNING } }\n`;
  const defaults = { signed: `defaults:\n${encryption}${signing}`, sealed: `defaults:\n${encryption}`, plain: '' };
  for (const mode of modes)
    await writeFile(
      join(scene.folder, `${mode}.yaml`),
      `vault: ./${mode}\n${defaults[mode]}sources:\n  shop: { postgres: { ${shop}, database: shop } }\n` +
        `  blog: { mariadb: { ${login}, database: blog } }\n`,
    );
  const backups = async (mode: Mode, source: SourceOf): Promise<Manifest> => {
    const { stdout } = await run(mode, 'backup', source, '--json');
    const { results } = JSON.parse(stdout) as { results: { id: string }[] };
    return JSON.parse((await fileOf(mode, source, results[0]!.id, 'manifest.json')).toString()) as Manifest;
  };
  const older = {} as Record<Mode, Record<SourceOf, Manifest>>;
  for (const mode of modes) older[mode] = { shop: await backups(mode, 'shop'), blog: await backups(mode, 'blog') };
  await scene.sql('shop', `update orders set note = 'another' where id = 7`);
  await connection.query(`update blog.posts set note = 'another' where id = 7`);
  for (const mode of modes) {
    const target = async (source: SourceOf): Promise<Target> => {
      const newer = await backups(mode, source);
      const fileCalled = (role: string) => newer.parts.find((part) => part.role === role)!.file;
      return {
        older: older[mode][source],
        newer,
        recipient,
        named: { orders: fileCalled('data'), items: fileCalled('catalog'), schema: fileCalled('schema') },
        plain: {
          manifest: older.plain[source],
          read: (file) => fileOf('plain', source, older.plain[source].id, file),
        },
        forged: await fileOf(mode, source, older[mode][source].id, fileCalled('data')),
      };
    };
    targets[mode] = { shop: await target('shop'), blog: await target('blog') };
  }
}, 20 * 60_000);
afterAll(async () => {
  await connection?.end();
  await mariadb?.stop();
  await scene?.stop();
}, 60_000);

const run = (mode: Mode, ...args: string[]) =>
  nightjarInProcess(['-c', `${mode}.yaml`, ...args], { cwd: scene.folder, env: scene.env });
const fileOf = (mode: Mode, source: SourceOf, id: string, file: string) =>
  readFile(join(scene.folder, mode, source, id, file));

/** What each command makes of the newer backup; nothing of what was restored stays. */
async function outcomesOf(mode: Mode, source: SourceOf): Promise<Record<string, string>> {
  const { id } = targets[mode][source].newer;
  const commands = { verify: [id], restore: [id, '--to', 'never'], drill: ['--backup', id] };
  const outcomes: Record<string, string> = {};
  for (const [verb, more] of Object.entries(commands)) {
    const { code, stderr } = await run(mode, verb, source, ...more);
    outcomes[verb] = code === 0 ? 'taken' : 'refused';
    const there = await databases();
    // one that is whole, and that the proof found different, is kept and told
    const kept = stderr.includes('never') ? ['never'] : [];
    if (code !== 0 && there.some((name) => !kept.includes(name))) outcomes[verb] = `left ${there.join()}`;
    await scene.sql('postgres', 'drop database if exists never');
    await connection.query('drop database if exists never');
    await rm(join(scene.folder, mode, source, id, 'proofs'), { recursive: true, force: true });
  }
  return outcomes;
}
async function databases(): Promise<string[]> {
  const names = "'never' or datname like 'nightjar%'";
  const found = await scene.sql('postgres', `select datname as name from pg_database where datname = ${names}`);
  const [rows] = await connection.query("show databases where `Database` = 'never' or `Database` like 'nightjar%'");
  return [...found.map(({ name }) => String(name)), ...(rows as { Database: string }[]).map((row) => row.Database)];
}

describe.each(sources)('%s', (source) => {
  test.each(['signed', 'sealed'] as const)(
    'what nobody has touched is taken: %s',
    async (mode) => {
      expect(await outcomesOf(mode, source)).toEqual({ verify: 'taken', restore: 'taken', drill: 'taken' });
    },
    60_000,
  );

  test.each(all ? lines : ['a part less'])(
    'encrypted and signed, each command refuses: %s',
    async (line) => {
      expect(await tampered('signed', source, line)).toEqual({
        verify: 'refused',
        restore: 'refused',
        drill: 'refused',
      });
    },
    60_000,
  );

  test.each(lines.filter((line) => !/signature/.test(line)))(
    'encrypted alone, each command says the same of: %s',
    async (line) => {
      const expected = signatureAlone.includes(line) ? 'taken' : 'refused';

      expect(await tampered('sealed', source, line)).toEqual({ verify: expected, restore: expected, drill: expected });
    },
    60_000,
  );
});

async function tampered(mode: Mode, source: SourceOf, line: string): Promise<Record<string, string>> {
  const by = vandal(folderVault(join(scene.folder, mode)), targets[mode][source]);
  try {
    await tamperings[line]!(by);
    return await outcomesOf(mode, source);
  } finally {
    await by.undo();
  }
}
