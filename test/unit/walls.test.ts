import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');

/** Imports that must be refused: the rule, who imports, and what. */
const planted: [rule: string, from: string, to: string][] = [
  ['domain-is-pure', 'core/domain/a.ts', 'core/pipeline/sum.ts'],
  ['domain-does-no-io', 'core/domain/b.ts', 'node:fs'],
  ['domain-does-no-io', 'core/contract/b.ts', 'node:fs'],
  ['domain-knows-no-adapter', 'core/domain/c.ts', 'core/engines/index.ts'],
  ['domain-knows-no-adapter', 'core/domain/c.ts', 'core/vaults/index.ts'],
  ['domain-is-pure', 'core/contract/c.ts', 'core/engines/postgres/descriptor.ts'],
  ['descriptors-are-pure', 'core/engines/postgres/descriptor.ts', 'core/engines/postgres/index.ts'],
  ['descriptors-are-pure', 'core/engines/mariadb/descriptor.ts', 'node:fs'],
  ['descriptors-are-pure', 'core/engines/index.ts', 'core/pipeline/guard.ts'],
  ['descriptors-are-pure', 'core/vaults/s3/descriptor.ts', 'core/vaults/s3/open.ts'],
  ['only-the-store-speaks-to-vaults', 'core/contract/config/config.ts', 'core/vaults/index.ts'],
  ['ports-are-promises-alone', 'core/ports.ts', 'core/engines/postgres/index.ts'],
  ['ports-are-promises-alone', 'core/ports.ts', 'core/commands/backup.ts'],
  ['pipeline-knows-nothing-above', 'core/pipeline/a.ts', 'core/commands/backup.ts'],
  ['pipeline-knows-nothing-above', 'core/pipeline/b.ts', 'core/engines/postgres/index.ts'],
  ['pipeline-knows-nothing-above', 'core/pipeline/c.ts', 'core/store/store.ts'],
  ['work-gets-adapters-as-arguments', 'core/commands/a.ts', 'core/vaults/s3/s3.ts'],
  ['work-gets-adapters-as-arguments', 'core/store/a.ts', 'core/engines/postgres/index.ts'],
  ['work-gets-adapters-as-arguments', 'core/commands/b.ts', 'core/telling/notifiers/slack.ts'],
  ['work-gets-adapters-as-arguments', 'core/survey/b.ts', 'core/compose.ts'],
  ['work-does-no-io', 'core/commands/c.ts', 'node:fs'],
  ['work-does-no-io', 'core/commands/c.ts', 'node:child_process'],
  ['work-does-no-io', 'core/store/c.ts', '@aws-sdk/client-s3'],
  ['work-does-no-io', 'core/commands/d.ts', 'pg'],
  ['only-the-store-speaks-to-vaults', 'core/commands/f.ts', 'core/vault.ts'],
  ['only-the-store-speaks-to-vaults', 'core/survey/f.ts', 'core/vault.ts'],
  ['only-the-store-speaks-to-vaults', 'core/telling/f.ts', 'core/vault.ts'],
  ['only-the-store-speaks-to-vaults', 'core/engines/postgres/f.ts', 'core/vault.ts'],
  ['only-the-store-speaks-to-vaults', 'core/ports.ts', 'core/vault.ts'],
  ['only-the-store-speaks-to-vaults', 'bin/cli/commands/f.ts', 'core/vaults/folder/folder.ts'],
  ['only-the-store-speaks-to-vaults', 'functions/f.ts', 'core/vault.ts'],
  ['only-the-store-knows-places', 'core/commands/g.ts', 'core/domain/layout/places.ts'],
  ['only-the-store-knows-places', 'core/telling/g.ts', 'core/domain/layout/places.ts'],
  ['only-the-store-knows-places', 'core/survey/g.ts', 'core/domain/layout/records.ts'],
  ['only-the-store-knows-places', 'core/engines/postgres/g.ts', 'core/domain/layout/places.ts'],
  ['only-the-store-knows-places', 'bin/cli/g.ts', 'core/domain/layout/places.ts'],
  ['only-the-store-knows-places', 'lib/constructs/g.ts', 'core/domain/layout/places.ts'],
  ['store-knows-nothing-above', 'core/store/d.ts', 'core/commands/backup.ts'],
  ['survey-knows-no-command', 'core/survey/a.ts', 'core/commands/backup.ts'],
  ['telling-knows-no-command', 'core/telling/a.ts', 'core/commands/backup.ts'],
  ['adapters-know-no-work', 'core/vaults/s3/a.ts', 'core/store/store.ts'],
  ['adapters-know-no-work', 'core/engines/postgres/a.ts', 'core/commands/backup.ts'],
  ['adapters-are-apart', 'core/telling/notifiers/a.ts', 'core/vaults/s3/s3.ts'],
  ['adapters-are-apart', 'core/engines/postgres/b.ts', 'core/vaults/s3/s3.ts'],
  ['adapters-are-apart', 'core/vaults/s3/b.ts', 'core/engines/postgres/index.ts'],
  ['adapters-are-apart', 'core/secrets/b.ts', 'core/telling/hooks/command.ts'],
  ['engines-are-apart', 'core/engines/mariadb/a.ts', 'core/engines/postgres/index.ts'],
  ['vaults-are-apart', 'core/vaults/folder/a.ts', 'core/vaults/s3/s3.ts'],
  ['tools-know-no-work', 'core/tools.ts', 'core/commands/backup.ts'],
  ['core-knows-no-host', 'core/commands/e.ts', 'bin/cli/run.ts'],
  ['core-knows-no-host', 'core/domain/e.ts', 'aws-cdk-lib'],
  ['only-hosts-compose', 'lib/a.ts', 'core/compose.ts'],
  ['lib-sees-contract-and-domain-alone', 'lib/b.ts', 'core/pipeline/sum.ts'],
  ['lib-sees-contract-and-domain-alone', 'lib/c.ts', 'functions/backup.ts'],
  ['nothing-ships-with-a-test-inside', 'core/store/e.ts', 'test/support/golden.ts'],
  ['no-cycles', 'core/domain/one.ts', 'core/domain/two.ts'],
];
/** Closes the cycle, which is told where it begins. */
const closing = ['', 'core/domain/two.ts', 'core/domain/one.ts'] as const;

test('each wall of the house refuses the imports that are planted against it, and there is none without', async () => {
  const house = await mkdtemp(join(tmpdir(), 'nightjar-walls-'));
  try {
    await plant(house);

    const found = await violations(house);

    const wanted = planted.map(([rule, from, to]) => `${rule}: ${from} → ${to}`);
    expect(wanted.filter((one) => !found.includes(one))).toEqual([]);
    expect([...new Set(found.map((one) => one.split(':')[0]))].sort()).toEqual(rules());
  } finally {
    await rm(house, { recursive: true });
  }
});

/** Files that hold nothing but one import each, and those that are imported. */
async function plant(house: string): Promise<void> {
  const texts = new Map<string, string>();
  for (const [, from, to] of [...planted, closing]) {
    const isOurs = to.endsWith('.ts');
    const path = relative(dirname(from), to);
    const text = `export * from '${!isOurs ? to : path.startsWith('.') ? path : `./${path}`}';\n`;
    texts.set(from, (texts.get(from) ?? '') + text);
    if (isOurs && !texts.has(to)) texts.set(to, '');
  }
  for (const [path, text] of texts) {
    await mkdir(join(house, dirname(path)), { recursive: true });
    await writeFile(join(house, path), `export const own = 1;\n${text}`);
  }
  await symlink(join(root, 'node_modules'), join(house, 'node_modules'));
}

async function violations(house: string): Promise<string[]> {
  const program = join(root, 'node_modules/.bin/depcruise');
  const args = ['--config', join(root, '.ci/dependency-rules.cjs'), '--output-type', 'json'];
  const folders = ['core', 'lib', 'bin', 'functions', 'test'];
  const ran = promisify(execFile)(process.execPath, [program, ...args, ...folders], { cwd: house, maxBuffer: 2 ** 26 });
  const { summary } = JSON.parse((await ran).stdout) as {
    summary: { violations: { rule: { name: string }; from: string; to: string }[] };
  };
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${named(to)}`);
}

/** A module as it was imported. */
function named(to: string): string {
  const [, name = to] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(to) ?? [];
  return /^(fs|child_process)$/.test(name) ? `node:${name}` : name;
}

function rules(): string[] {
  const { forbidden } = createRequire(import.meta.url)(join(root, '.ci/dependency-rules.cjs')) as {
    forbidden: { name: string }[];
  };
  return forbidden.map(({ name }) => name).sort();
}
