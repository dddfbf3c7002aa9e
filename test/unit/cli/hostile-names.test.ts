import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { manifestDocument } from '../../../core/store/backups/manifest-document.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';

// A manifest that somebody has forged is read by who looks at a terminal: whatever stands in it, the terminal shows it
// and does nothing else.
const hostile = '\x1b]0;owned\x07\x1b[2J\x1b[31mproven\x9b2J\r\x7f\u202e';
const [id = ''] = dailyIds(1);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-hostile-'));
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources:\n  shop:\n    postgres: { host: 127.0.0.1, port: 9, user: u, database: shop, ` +
      `tls: off }\n`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function forge(change: object): Promise<void> {
  await rm(join(folder, 'backups/shop'), { recursive: true, force: true });
  const elsewhere = await mkdtemp(join(tmpdir(), 'nightjar-forge-'));
  const good: Manifest = await putBackup(folderVault(elsewhere), 'shop', id as never);
  await rm(elsewhere, { recursive: true });
  await folderVault(join(folder, 'backups')).putIfAbsent(
    objectKey(`shop/${id}/manifest.json`),
    manifestDocument({ ...good, ...change }),
    {},
    signal,
  );
}

const forged: [string, object, string[]][] = [
  ['a field that nobody knows', { [hostile]: 1 }, ['list', 'shop']],
  ['a source that is another', { source: hostile }, ['list', 'shop']],
  ['an engine that is none', { engine: hostile }, ['restore', 'shop', '--to', 'x']],
  ['a database that is none', { database: hostile, warnings: [hostile] }, ['list', 'shop']],
];
test.each(forged)('%s is shown without obeying it', async (_, change, args) => {
  await forge(change);

  for (const more of [[], ['--json']]) {
    const { stdout, stderr } = await nightjarInProcess([...args, ...more], { cwd: folder });

    expect(`${stdout}${stderr}`).toMatch(/shop/);
    expect(`${stdout}${stderr}`.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
  }
});

test('what a terminal would obey is written out', async () => {
  await forge({ [hostile]: 1 });

  const { stdout } = await nightjarInProcess(['list', 'shop'], { cwd: folder });

  expect(stdout).toContain('\\x1b]0;owned\\x07\\x1b[2J');
});
