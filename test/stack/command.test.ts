import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const execute = promisify(execFile);
const oldNode = await olderNode();
const root = fileURLToPath(new URL('../..', import.meta.url));
/** What a clone has and a synthesis needs; no folder that something was built into. */
const cloned = [
  'bin',
  'core',
  'functions',
  'lib',
  'layers/db-tools',
  'examples',
  'cdk.json',
  'package.json',
  'tsconfig.json',
];
let clone = '';
let offline: string[] = [];

beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), 'nightjar-clone-'));
  await mkdir(join(clone, 'layers'));
  for (const name of cloned)
    await cp(join(root, name), join(clone, name), {
      recursive: true,
      filter: (source) => !source.endsWith('layers/db-tools/build'),
    });
  await symlink(join(root, 'node_modules'), join(clone, 'node_modules'));
  // a network of its own without any connection, where the system gives one to users; else every proxy leads nowhere
  offline = await execute('unshare', ['--user', '--map-root-user', '--net', 'true']).then(
    () => ['unshare', '--user', '--map-root-user', '--net'],
    () => [],
  );
});
afterAll(() => rm(clone, { recursive: true, force: true }));

type Outcome = { code: number; stdout: string; stderr: string };

async function run(line: readonly string[], variables: Record<string, string> = {}): Promise<Outcome> {
  const nowhere = 'http://127.0.0.1:9';
  // a clone makes its bundles itself
  const { NODE_OPTIONS: _, NIGHTJAR_BUNDLES: _none, ...inherited } = process.env;
  const env = {
    ...inherited,
    HOME: clone,
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    AWS_EC2_METADATA_DISABLED: 'true',
    CI: 'true',
    PATH: `${root}/node_modules/.bin:${inherited['PATH']}`,
    ...variables,
  };
  const [program = '', ...words] = [...offline, ...line];
  return execute(program, words, { cwd: clone, env, timeout: 150_000 }).then(
    (done) => ({ code: 0, ...done }),
    (error: Outcome) => error,
  );
}

test('without a nightjar.yaml nothing is synthesised, and a file that is called nearly so is named', async () => {
  const app = [process.execPath, 'bin/app.ts'];
  const nothing = await run(app);
  await writeFile(join(clone, 'nightjar.yml'), await readFile(join(clone, 'examples/plain.yaml')));
  const nearly = await run(app);
  await rm(join(clone, 'nightjar.yml'));

  expect([nothing, nearly]).toMatchObject([
    {
      code: 1,
      stderr: expect.stringMatching(/there is no nightjar\.yaml in .*\n.*cp examples\/plain\.yaml nightjar\.yaml/),
    },
    {
      code: 1,
      stderr: expect.stringContaining('there is nightjar.yml: rename it to nightjar.yaml, or name it: npx cdk'),
    },
  ]);
  await expect(readdir(join(clone, 'dist'))).rejects.toThrow('ENOENT');
}, 180_000);

/** The machine's own Node, where it is too old for Nightjar: many machines have that one. */
async function olderNode(): Promise<{ path: string; version: string } | undefined> {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  for (const path of ['/usr/bin', '/usr/local/bin', ...folders].map((folder) => join(folder, 'node'))) {
    const version = await promisify(execFile)(path, ['--version'])
      .then(({ stdout }) => stdout.trim())
      .catch(() => 'v24');
    if (Number.parseInt(version.slice(1), 10) < 24) return { path, version };
  }
  return undefined;
}

/** That a machine has none is said in the name, where it is seen. */
const underOldNode =
  oldNode === undefined
    ? 'NOT TRIED, as this machine has no older Node'
    : `under the machine's Node ${oldNode.version}`;

test(`a cdk of the machine's own reaches the app, or says which Node is needed (${underOldNode})`, async () => {
  if (oldNode === undefined) return;
  const { path, version } = oldNode;
  const variables = { PATH: `${dirname(path)}:/usr/bin:/bin` };
  const bare = await mkdtemp(join(tmpdir(), 'nightjar-bare-'));
  await cp(join(clone, 'bin/app.mjs'), join(bare, 'app.mjs'));

  const reached = await run([path, join(root, 'node_modules/aws-cdk/bin/cdk'), 'synth'], variables);
  const told = await run([path, join(bare, 'app.mjs')], variables);
  await rm(bare, { recursive: true });

  expect(reached).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no nightjar.yaml in') });
  expect(told).toMatchObject({
    code: 1,
    stderr: `error: Nightjar needs Node 24 or newer, and this is ${version}\n  hint: in a clone, this fetches it: npm ci && npm rebuild node; else install Node 24\n`,
  });
}, 180_000);

test('npx cdk synth in a fresh clone, without a network, makes the stack of an example that is named', async () => {
  const { code, stdout, stderr } = await run([
    'npx',
    '--no-install',
    'cdk',
    'synth',
    '-c',
    'config=examples/plain.yaml',
  ]);

  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout).toContain('FunctionName: Nightjar-backup-shop');
  expect(await readdir(join(clone, 'dist/cdk.out'))).toEqual(
    expect.arrayContaining(['Nightjar.template.json', 'Nightjar.assets.json']),
  );
  const { files } = JSON.parse(await readFile(join(clone, 'dist/cdk.out/Nightjar.assets.json'), 'utf8')) as {
    files: Record<string, { source: { executable?: string[] } }>;
  };
  expect(
    Object.values(files)
      .flatMap(({ source }) => source.executable ?? [])
      .slice(1),
  ).toEqual([join(clone, 'layers/db-tools/zip.ts'), 'arm64', '--regions=eu-west-1']);
});

test('the app that cdk starts tells every mistake of nightjar.yaml with its line, and a file that is not there', async () => {
  await writeFile(
    join(clone, 'nightjar.yaml'),
    'vault: ./backups\nsources:\n  shop:\n    postgres:\n      host: db.acme.example\n      database: shop\n    ' +
      '  user: backup\n      password: { env: SHOP }\ncloud: { email: [ops@acme.example] }\n',
  );

  const app = [process.execPath, 'bin/app.ts'];
  const [wrong, missing] = [await run(app), await run(app, { CDK_CONTEXT_JSON: '{"config":"other.yaml"}' })];

  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('nightjar.yaml has 3 problems:');
  expect(wrong.stderr).toMatch(/vault: is a folder, .*\(line 1\)/);
  expect(wrong.stderr).toMatch(/sources\.shop\.postgres\.password: a variable is of one machine: .*\(line 8\)/);
  expect(wrong.stderr).toMatch(/sources\.shop\.schedule: is missing: .*\(line 4\)/);
  expect(missing).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("the configuration other.yaml can't be read"),
  });
}, 240_000);
