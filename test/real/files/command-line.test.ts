import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { start } from '../../support/cli/command.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { bash, seenByStock } from '../../support/files/stock.ts';

// What databases have, a folder has by the same commands.

let top = '';
const at = (name: string) => join(top, name);

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'nightjar-files-cli-'));
  const identity = await generateX25519Identity();
  await writeFile(at('identity.txt'), `${identity}\n`);
  const lines = [
    'vault: ./backups',
    'vaults: { offsite: ./offsite }',
    'sources:',
    '  media:',
    '    files: { path: ./data/media, exclude: [/cache/] }',
    '    retention: { count: 2 }',
    '    copies: [offsite]',
    `    encryption: { recipients: [${await identityToRecipient(identity)}], identity: { file: identity.txt } }`,
    '  inside: { files: { path: . } }',
    '  conf: { files: { path: ./conf } }',
    '  spoken: { files: { path: ./conf, secrets: ["!/shop.key"] } }',
    '  locked:',
    '    files: { path: ./conf }',
    `    encryption: { recipients: [${await identityToRecipient(identity)}], identity: { file: identity.txt } }`,
  ];
  await writeFile(at('nightjar.yaml'), `${lines.join('\n')}\n`);
  await bash('mkdir -p data/media/{docs,photos,cache} elsewhere', top);
  await bash(
    'printf a > docs/a.txt; printf b > docs/b.txt; printf c > photos/c.jpg; ln -s a.txt docs/l',
    at('data/media'),
  );
});
afterAll(() => rm(top, { recursive: true }));

async function run(...args: string[]): Promise<string> {
  const ended = await nightjarInProcess(args, { cwd: top });
  expect([args, ended.code, ended.code === 0 || ended.stderr]).toEqual([args, 0, true]);
  return ended.stdout;
}

const all = 'proven equal: 2 folders, 4 files, 8 definitions';

test('a folder is backed up encrypted, listed, shown, verified, drilled, copied and restored', async () => {
  const [, id] = (await run('backup', 'media')).split('  ');

  await rm(at('elsewhere/media'), { recursive: true, force: true });
  expect(await run('list', 'media')).toContain(id);
  expect(await run('verify', 'media')).toContain('intact: 4 parts');
  expect(await run('show', 'media')).toMatch(/also to a key of the machine\s+that made it/);
  expect(await run('doctor', 'media')).toContain('keys to the lists of its last backups');
  expect(await run('backup', 'media')).toMatch(/stored, .* anew/);
  expect(await run('drill', 'media')).toContain(all);
  expect(await run('check', 'media')).toMatch(/media +fresh/);
  await run('copy', 'media');
  expect(await run('--vault', 'offsite', 'restore', 'media', '--to', './elsewhere/media')).toContain(all);

  await bash('rm -rf kept; cp -a data/media kept; rm -r kept/cache; touch -r data/media kept', top);
  expect(await seenByStock(at('elsewhere/media'))).toEqual(await seenByStock(at('kept')));
  expect((await readFile(at(`backups/media/${id}/data/0001.tar.zst.age`), 'latin1')).slice(0, 21)).toBe(
    'age-encryption.org/v1',
  );
  expect(await readdir(at('data'))).toEqual(['media']);
});

test('it is put back in its place, and taken back; and some of it is restored beside it', async () => {
  await writeFile(at('data/media/docs/a.txt'), 'spoilt');

  const told = await run('restore', 'media', '--to', 'media', '--replace', '--yes');
  expect(told).toContain('the old folder is kept as media.before_');
  expect(await readFile(at('data/media/docs/a.txt'), 'utf8')).toBe('a');

  await run('restore', 'media', '--undo', '--yes');
  expect(await readFile(at('data/media/docs/a.txt'), 'utf8')).toBe('spoilt');
  await run('restore', 'media', '--undo', '--yes');
  await run('restore', 'media', '--drop-old', '--yes');
  expect(await readdir(at('data'))).toEqual(['media']);

  await rm(at('elsewhere/some'), { recursive: true, force: true });
  await run('restore', 'media', '--to', './elsewhere/some', '--path', 'docs/*.txt');
  expect(await bash('find . -type f | sort', at('elsewhere/some'))).toBe('./docs/a.txt\n./docs/b.txt\n');
});

test('a rotation keeps as many as it is told, and leaves nothing of the other', async () => {
  const ids = [await run('backup', 'media'), await run('backup', 'media'), await run('backup', 'media')].map(
    (line) => line.split('  ')[1]!,
  );

  await run('rotate', 'media', '--any-share');

  // what was proven last is kept, too
  const there = await readdir(at('backups/media'));
  expect(ids.map((id) => there.includes(id))).toEqual([false, true, true]);
});

test('a folder that holds the vault is refused, with what to write', async () => {
  const { code, stderr } = await nightjarInProcess(['backup', 'inside'], { cwd: top });

  expect(code).toBe(2);
  expect(stderr).toMatch(/holds a vault, and would be backed up into itself\n.*exclude: \[\/(backups|offsite)\/\]/);
});

test('secrets are stored encrypted, or when somebody wrote that they are none, and otherwise not at all', async () => {
  await bash('mkdir conf; printf secret > conf/shop.key', top);

  const { code, stderr } = await nightjarInProcess(['backup', 'conf'], { cwd: top });

  expect(code).toBe(2);
  expect(stderr).toContain('it holds what looks like secrets, and is not encrypted: shop.key\n');
  expect(stderr).toContain('secrets: ["!/shop.key"]');
  expect(await bash('find backups/conf -name "*.zst*"', top)).toBe('');
  await run('backup', 'spoken', 'locked');
  expect(await run('drill', 'locked')).toContain('proven equal');
  // a drill reads secrets, too, and stores nothing
  expect(await run('drill', 'spoken')).toContain('proven equal');
});

test('a restore that is killed leaves no half folder, and the next one removes what it left', async () => {
  const killed = start(['restore', 'media', '--to', './elsewhere/killed'], { cwd: top });
  const hidden = async () => (await readdir(at('elsewhere'))).filter((name) => name.startsWith('.'));
  const ended = killed.ended.then(() => 'ended');
  while ((await hidden()).length === 0 && (await Promise.race([ended, sleep(5)])) !== 'ended');
  killed.kill('SIGKILL');
  await ended;

  const here = hostname().replace(/[^A-Za-z0-9]/g, '_');
  const hiddenBy = (name: string, host: string, pid: number) => `.${name}.nightjar-new-${host}-${pid}-0123abcd`;
  // of a process that was quicker, is gone for long, or had our number in a container before us
  for (const pid of [killed.pid!, process.pid])
    await mkdir(at(`elsewhere/${hiddenBy('killed', here, pid)}`), { recursive: true });
  // what another machine, or a restore of another folder, is at work on
  const ofOthers = [hiddenBy('killed', 'elsewhere', killed.pid!), hiddenBy('other', here, killed.pid!)];
  for (const name of ofOthers) await mkdir(at(`elsewhere/${name}`));
  if ((await readdir(at('elsewhere'))).includes('killed')) await rm(at('elsewhere/killed'), { recursive: true });
  expect(await run('restore', 'media', '--to', './elsewhere/killed')).toContain('is removed');

  expect((await hidden()).toSorted()).toEqual(ofOthers.toSorted());
  const some = await bash('find . | sort', at('data/media'));
  expect(await bash('find . | sort', at('elsewhere/killed'))).toBe(some);
});
