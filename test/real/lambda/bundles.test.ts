import { execFile } from 'node:child_process';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { configSchema } from '../../../core/contract/config/config.ts';
import { cloudSchema } from '../../../core/contract/cloud/cloud.ts';
import { functionNames, keptBundle } from '../../../functions/bundle.ts';
import type { Bundle, FunctionName } from '../../../functions/bundle.ts';

let folder = '';
let bundles: Record<FunctionName, Bundle>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-bundles-'));
  // those of the run, which every other suite uses
  const kept = process.env['NIGHTJAR_BUNDLES'] ?? folder;
  const known = async (name: FunctionName) =>
    JSON.parse(await readFile(`${await keptBundle(name, kept)}.json`, 'utf8'));
  bundles = Object.fromEntries(
    await Promise.all(functionNames.map(async (name) => [name, (await known(name)) as Bundle])),
  ) as typeof bundles;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const inputs = (name: FunctionName) => Object.keys(bundles[name].meta.inputs);
const packages = (paths: string[]) => [
  ...new Set(paths.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])),
];
const clients = (name: FunctionName) =>
  packages(inputs(name))
    .filter((one) => /^@aws-sdk\/(client-|rds-signer)/.test(one))
    .sort();

/**
 * Every function reads the vault and its secrets, tells topics and buses; those that reach databases sign tokens, too,
 * and what makes backups signs them.
 */
const ofVault = [
  '@aws-sdk/client-eventbridge',
  '@aws-sdk/client-s3',
  '@aws-sdk/client-secrets-manager',
  '@aws-sdk/client-sns',
];

test.each([
  ['backup', [...ofVault, '@aws-sdk/client-kms', '@aws-sdk/rds-signer'].sort()],
  ['restore', [...ofVault, '@aws-sdk/rds-signer']],
  ['drill', [...ofVault, '@aws-sdk/rds-signer']],
  ['rotate', ofVault],
  ['copy', ofVault],
  ['check', ofVault],
  ['by-tag', ofVault],
] as const)('%s holds the clients of AWS that it uses, and no other', (name, expected) => {
  expect(clients(name)).toEqual(expected);
});

test('every bundle is below 5 MB, and what a cold start reads below 450 kB', () => {
  for (const name of functionNames) {
    expect(bundles[name].bytes).toBeLessThan(['restore', 'drill'].includes(name) ? 5_000_000 : 3_200_000);
    expect(bundles[name].initBytes).toBeLessThan(450_000);
  }
});

test('no function carries what the documentation says of the keys of a configuration', async () => {
  const { shape } = configSchema.in;
  const texts = [shape.vault, shape.sources, shape.hooks, cloudSchema.shape.flexibleWindow].map(
    ({ description }) => description!,
  );
  expect(texts.map((one) => one.length > 20)).toEqual([true, true, true, true]);

  for (const name of functionNames)
    for (const path of Object.keys(bundles[name].meta.outputs)) {
      const code = await readFile(join(bundles[name].folder, basename(path)), 'utf8');
      expect(texts.filter((one) => code.includes(one.slice(0, 40)))).toEqual([]);
    }
});

test('a cold start reads no driver of a database, no client of AWS, no parser of YAML, and no language of zod but English', () => {
  for (const name of functionNames) {
    const index = Object.entries(bundles[name].meta.outputs).find(([path]) => path.endsWith(`${name}/index.mjs`))![1];
    const used = Object.entries(index.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));

    expect(packages(used).filter((one) => /^(pg|mysql2|@aws-sdk|@smithy|yaml)/.test(one))).toEqual([]);
    expect(used.filter((path) => /zod\/.*\/locales\/(?!en\.|index\.)/.test(path))).toEqual([]);
  }
});

test('functions that work in the vault alone hold no driver of a database', () => {
  for (const name of ['rotate', 'copy', 'check', 'by-tag'] as const)
    expect(packages(inputs(name)).filter((one) => ['pg', 'mysql2', 'iconv-lite'].includes(one))).toEqual([]);
});

test('the function that proves finds the parser of PostgreSQL beside itself, and no other carries it', async () => {
  const file = (name: FunctionName) => join(bundles[name].folder, 'libpg-query.wasm');
  const [code] = Object.entries(bundles.restore.meta.outputs).find(([, { entryPoint }]) =>
    entryPoint?.includes('libpg-query'),
  )!;
  const script = `const { parse } = await import('./${basename(code)}'); console.log((await parse('select 1')).stmts.length)`;

  expect(
    (
      await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: bundles.restore.folder,
      })
    ).stdout,
  ).toBe('1\n');
  for (const name of ['backup', 'rotate', 'copy', 'check', 'by-tag'] as const)
    await expect(access(file(name))).rejects.toThrow('ENOENT');
});

test('each bundle has the notices of every library in it, with the text of its licence', async () => {
  for (const name of functionNames) {
    const notices = await readFile(join(bundles[name].folder, 'THIRD-PARTY.txt'), 'utf8');
    const named = [...notices.matchAll(/^={80}\n(\S+) (\S+), licence: (.+)\n={80}$/gm)].map(
      ([, library, , licence]) => ({ library, licence }),
    );

    expect([...new Set(named.map(({ library }) => library))].sort()).toEqual(packages(inputs(name)).sort());
    expect((notices.match(/permission|licensed under/gi) ?? []).length).toBeGreaterThanOrEqual(named.length);
    expect(named.filter(({ licence }) => !/^[A-Za-z0-9.-]+$/.test(licence!))).toEqual([]);
  }
});

test('what is compiled into the parser of PostgreSQL has its notices, which the package itself does not bring', async () => {
  const notices = await readFile(join(bundles.restore.folder, 'THIRD-PARTY.txt'), 'utf8');

  for (const [what, holder, words] of [
    [
      'The parser of PostgreSQL',
      'PostgreSQL Global Development Group',
      /IN NO EVENT SHALL THE UNIVERSITY OF CALIFORNIA/,
    ],
    ['libpg_query', 'Lukas Fittl', /Neither the name of the copyright holder/],
    ['protobuf-c', 'Dave Benson', /Redistributions in binary form must reproduce/],
    ['xxHash', 'Yann Collet', /Redistributions in binary form must reproduce/],
  ] as const) {
    const [, text] = notices.split(`${what}, compiled into libpg-query:\n\nCopyright (c) `);
    expect(text?.slice(0, 100)).toContain(holder);
    expect(text?.slice(0, 2000)).toMatch(words);
    expect(text?.slice(0, 2000)).not.toMatch(/<year>|<owner>/);
  }
});
