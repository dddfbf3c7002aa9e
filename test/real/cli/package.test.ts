import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nightjar } from '../../support/cli/command.ts';
import { packed } from '../../support/packed.ts';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
let folder = '';
let home = '';

/**
 * The package as npm packs it, unpacked where an installation lies: below node_modules. Its dependencies are those of
 * this checkout.
 */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-package-'));
  home = join(folder, 'node_modules/nightjar');
  await mkdir(home, { recursive: true });
  const file = await packed(AbortSignal.timeout(300_000));
  await execute('tar', ['-xzf', file, '-C', home, '--strip-components=1']);
  const { dependencies, peerDependencies } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'peerDependencies',
    Record<string, string>
  >;
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    await mkdir(join(folder, 'node_modules', name, '..'), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
}, 300_000);
afterAll(() => rm(folder, { recursive: true }));

test('the package runs below node_modules, where Node strips no types', async () => {
  const program = join(home, 'bin/nightjar');

  expect(await nightjar(['--version'], { cwd: folder, program })).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  expect(await nightjar(['list', '-c', join(home, 'nightjar.example.yaml')], { cwd: folder, program })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`the folder ${join(home, 'backups')} is not there`),
  });
});

test('what Node has compiled is kept in the home of the user, of four versions; without a home it is kept nowhere', async () => {
  const program = join(home, 'bin/nightjar');
  const own = join(folder, 'home');
  const kept = join(own, '.cache/nightjar/compiled');
  const version = `0.1.0-node-${process.versions.node}`;
  for (const [at, name] of ['newest', 'newer', 'new', 'old', 'older'].entries()) {
    await mkdir(join(kept, name), { recursive: true });
    await utimes(join(kept, name), 1e9 - at, 1e9 - at);
  }

  const work = await mkdtemp(join(folder, 'work-'));
  for (const HOME of [own, '', join(work, 'missing'), '/proc'])
    expect(
      await nightjar(['--version'], { cwd: work, program, env: { HOME, NODE_COMPILE_CACHE: undefined } }),
    ).toMatchObject({ code: 0 });

  expect((await readdir(kept)).toSorted()).toEqual([version, 'new', 'newer', 'newest']);
  expect(await readdir(join(kept, version))).not.toEqual([]);
  expect(await readdir(work)).toEqual([]);
});

test('the program that reads SQLite comes with the package, too', async () => {
  const work = join(folder, 'sqlite');
  await mkdir(work);
  await writeFile(join(work, 'nightjar.yaml'), 'vault: ./backups\nsources: { app: { sqlite: { path: app.db } } }\n');
  const app = new DatabaseSync(join(work, 'app.db'));
  app.exec('create table orders(id); insert into orders values (1), (2)');
  app.close();

  const program = join(home, 'bin/nightjar');
  const made = await nightjar(['backup'], { cwd: work, program });
  const restored = await nightjar(['restore', 'app', '--to', './back.db'], { cwd: work, program });

  expect([made.code, made.stderr, restored.code]).toEqual([0, '', 0]);
  expect(restored.stdout).toContain('proven equal: 1 table, 2 rows');
});

test('who installed the package has a command for its layer, which needs no configuration', async () => {
  const program = join(home, 'bin/nightjar');

  const { code, stdout } = await nightjar(['layer', 'show', '--json'], { cwd: folder, program });

  expect({ code, document: JSON.parse(stdout) as unknown }).toMatchObject({
    code: 0,
    document: {
      pins: { shipped: true, file: join(home, 'dist/package/db-tools/lock.json') },
      layers: [{ architecture: 'x86_64' }, { architecture: 'arm64' }],
    },
  });
});

test('the package brings its licence, and the notices of what is bundled in it', async () => {
  expect(await readFile(join(home, 'LICENSE'), 'utf8')).toMatch(/^\s*Apache License\s+Version 2\.0/);
  expect(JSON.parse(await readFile(join(home, 'package.json'), 'utf8'))).toMatchObject({ license: 'Apache-2.0' });
  const notices = await readFile(join(home, 'dist/package/THIRD-PARTY.txt'), 'utf8');
  for (const name of ['commander', 'croner', 'yaml', 'zod'])
    expect(notices).toMatch(new RegExp(`^${name} \\S+, licence: `, 'm'));
  for (const name of await readdir(join(home, 'dist/package/functions'))) {
    expect(await readFile(join(home, 'dist/package/functions', name, 'THIRD-PARTY.txt'), 'utf8')).toMatch(
      /^zod \S+, licence: MIT$/m,
    );
  }
});

test('the package brings the pins of its layer, and no source or test of ours', async () => {
  const { stdout } = await execute('find', ['.', '-type', 'f'], { cwd: home });
  const files = stdout.trim().split('\n');

  expect(files).toEqual(
    expect.arrayContaining([
      './bin/nightjar',
      './dist/package/nightjar.mjs',
      './dist/package/db-tools/layer.mjs',
      './dist/package/db-tools/authorities-china.pem',
      './dist/package/db-tools/lock.json',
      './docs/configuration.md',
      './docs/encryption.md',
      './docs/signing.md',
    ]),
  );
  expect(
    files
      .filter((file) => /(?<!\.d)\.ts$/.test(file) && !file.startsWith('./examples/'))
      .concat(files.filter((file) => file.includes('test'))),
  ).toEqual([]);
});

test(
  'the package builds or finds its layer by itself',
  async () => {
    const code =
      `const { dbToolsLayer } = await import(${JSON.stringify(join(home, 'dist/package/db-tools/layer.mjs'))}); ` +
      `console.log(await dbToolsLayer(process.arch === 'arm64' ? 'arm64' : 'x86_64', { rule: 'newer' }, ` +
      'console.error, AbortSignal.timeout(1200000)));';
    const { NODE_OPTIONS: _, NIGHTJAR_TOOLS: __, ...env } = process.env;

    const { stdout } = await execute(process.execPath, ['--input-type=module', '--eval', code], { cwd: folder, env });

    const index = JSON.parse(await readFile(join(stdout.trim(), 'nightjar/db-tools.json'), 'utf8')) as {
      programs: { name: string }[];
    };
    expect(index.programs.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['pg_dump', 'pg_restore', 'psql', 'mariadb-dump', 'mariadb']),
    );
  },
  20 * 60_000,
);

test('an app in CommonJS takes the constructs by require', async () => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const script = "console.log(typeof require('nightjar/cdk').NightjarBackups)";

  const { stdout } = await execute(process.execPath, ['--input-type=commonjs', '--eval', script], { cwd: folder, env });

  expect(stdout).toBe('function\n');
});

test("somebody else's CDK app takes the constructs from the package: it is compiled against their types, and synthesised", async () => {
  const app = join(folder, 'app');
  await mkdir(app);
  await copyFile(join(home, 'examples/cdk-app/app.ts'), join(app, 'app.ts'));
  await writeFile(join(app, 'package.json'), '{ "type": "module" }');
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
  const { NODE_OPTIONS: _, ...env } = process.env;

  expect(
    await execute(join(root, 'node_modules/.bin/tsc'), ['--project', app], { cwd: app }).catch(
      ({ stdout }: { stdout: string }) => ({ stdout }),
    ),
  ).toMatchObject({ stdout: '' });
  await execute(process.execPath, ['app.ts'], { cwd: app, env: { ...env, CDK_OUTDIR: join(app, 'cdk.out') } });

  const template = JSON.parse(await readFile(join(app, 'cdk.out/Shop.template.json'), 'utf8')) as {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  };
  const names = Object.values(template.Resources).flatMap(({ Type, Properties }) =>
    Type === 'AWS::Lambda::Function' ? [Properties['FunctionName']] : [],
  );
  expect(names.sort()).toEqual([
    'ShopBackups-backup-shop',
    'ShopBackups-check',
    'ShopBackups-restore-shop',
    'ShopBackups-rotate',
  ]);
  const { files } = JSON.parse(await readFile(join(app, 'cdk.out/Shop.assets.json'), 'utf8')) as {
    files: Record<string, { source: { path?: string; executable?: string[] } }>;
  };
  const sources = Object.values(files).map(({ source }) => source);
  expect(sources.flatMap(({ executable }) => executable ?? [])).toEqual([
    process.execPath,
    join(home, 'dist/package/db-tools/zip.mjs'),
    'arm64',
    '--regions=eu-west-1',
  ]);
  for (const { path } of sources.filter((source) => source.path?.startsWith('asset.')))
    expect(await readdir(join(app, 'cdk.out', path!))).toEqual(expect.arrayContaining(['index.mjs', 'nightjar.yaml']));
});
