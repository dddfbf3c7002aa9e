import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { probeKey } from '../../../core/domain/layout/places.ts';
import type { Observed } from '../../../core/ports.ts';
import { vaultExaminations } from '../../../core/store/examine/vault.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, putBackup } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';
import { limit } from '../../support/vaults/vault.ts';

const now = () => new Date('2026-11-20T12:00:00Z');
let state: MemoryState;
beforeEach(() => {
  state = emptyState();
});

type Looked = { what: string; needs?: readonly string[]; observed: readonly Observed[] | BackupError };

/** What is observed of a vault in memory, one examination after the other; `change`: of the vault. */
async function looking(change: Partial<Vault> = {}, of?: typeof shop): Promise<Record<string, Looked>> {
  const vault = { ...memoryVault(state, { now }), ...change };
  const looked: [string, Looked][] = [];
  for (const { what, needs, look } of vaultExaminations(vault, { now }, of)) {
    const observed = await look(limit()).catch((error: BackupError) => error);
    looked.push([what, { what, observed, ...(needs && { needs }) }]);
  }
  return Object.fromEntries(looked);
}
const fine = (said: string) => [{ outcome: 'fine', said }];
const denied = () => Promise.reject(new BackupError('vault-denied', 'no'));
const taken = () => Promise.reject(new BackupError('object-exists', 'there is one'));
const disturbed = [
  { outcome: 'not tried', said: 'another nightjar doctor tries this vault at this moment: run it again' },
];

test('of a vault in which all is well, each thing that was tried is told, and nothing stays behind', async () => {
  await putBackup(memoryVault(state, { now }), 'shop', dailyIds(1)[0]!);
  const before = [...state.objects.keys()];

  const looked = await looking();

  expect(Object.values(looked).map(({ what, observed }) => [what, observed])).toEqual([
    ['written', fine('an object was written and read back in memory')],
    ['listed', fine('what was stored before can be seen')],
    ['written once', fine('a second write of the same name is refused')],
    ['replaced', fine('nobody replaces what another has written meanwhile')],
    ['clock', fine('the vault and this machine tell the same time')],
    ['tagged', fine('tags can be given and read')],
    ['uploads', []],
    ['space', []],
    ['overwritten', []],
    ['removed', fine('allowed: rotation and remove work with these credentials')],
  ]);
  expect([...state.objects.keys()]).toEqual(before);
  expect(looked['written']).not.toHaveProperty('needs');
  expect(looked['removed']).toMatchObject({ needs: ['written'] });
});

test('of one source, what is stored of others is not looked for', async () => {
  await putBackup(memoryVault(state, { now }), 'other', dailyIds(1)[0]!);

  const looked = await looking({}, shop);

  expect(Object.keys(looked)).toEqual(['written', 'listed', 'written once', 'replaced', 'clock', 'removed']);
  expect(looked['listed']!.observed).toEqual([
    {
      outcome: 'warning',
      said: 'nothing is there yet',
      remedy: 'right for a new vault; in any other, is the disk mounted, and are bucket and prefix right?',
    },
  ]);
});

test('what a doctor that died has left is written over, and is nothing that was stored before', async () => {
  await memoryVault(state, { now }).putIfAbsent(probeKey, Buffer.from('{"doctor":"dead"}'), {}, limit());

  const looked = await looking();

  expect(looked['written']).toMatchObject({ observed: [{ outcome: 'fine' }] });
  expect(looked['listed']).toMatchObject({ observed: [{ outcome: 'warning' }] });
  expect([...state.objects.keys()]).toEqual([]);
});

test('a write that is refused for another reason is told as it is', async () => {
  const looked = await looking({ putIfAbsent: denied });

  expect(looked['written']!.observed).toMatchObject({ code: 'vault-denied', message: 'no' });
});

test.each([
  ['another doctor’s', '{"doctor":"another"}', disturbed],
  [
    'nobody’s',
    'something else',
    { code: 'vault-failed', hint: 'something on the way to the vault changes data, or answers from a cache' },
  ],
])('an object that is read back as %s is told as that', async (_, body, end) => {
  const real = memoryVault(state, { now });
  const read: Vault['read'] = async (key, signal) => ({ ...(await real.read(key, signal)), body: Buffer.from(body) });

  expect((await looking({ read }))['written']!.observed).toMatchObject(end);
});

test('a doctor that finds its object replaced or gone is disturbed by another one, and calls nothing a fault', async () => {
  const missing = () => Promise.reject(new BackupError('object-missing', 'gone'));
  const looked = await looking({ putIfUnchanged: taken, retag: missing });

  for (const what of ['replaced', 'clock', 'tagged']) expect(looked[what]!.observed).toEqual(disturbed);
});

test('a vault that writes over what it should not says what that means', async () => {
  const real = memoryVault(state, { now });
  const putIfAbsent: Vault['putIfAbsent'] = async (key, body, tags, signal) => {
    await real.delete(key, signal);
    return real.putIfAbsent(key, body, tags, signal);
  };

  expect((await looking({ putIfAbsent }))['written once']!.observed).toMatchObject({
    code: 'vault-failed',
    message: 'memory: the vault writes over an object although it was told not to',
    hint:
      'two runs could work on one source at once, and backups be written over: use a store that heeds conditional ' +
      'writes, or write conditionalWrites: false in the vault (docs/stores.md)',
  });
});

test('what holds less firmly in a vault is a warning beside what was tried', async () => {
  const { 'written once': looked } = await looking({ weaker: 'claims keep runs apart' });

  expect(looked!.observed).toEqual([
    ...fine('a second write of the same name is refused'),
    { outcome: 'warning', said: 'claims keep runs apart', remedy: expect.stringContaining('one machine alone') },
  ]);
});

test('one write that goes through after another doctor has removed the object is no fault', async () => {
  const real = memoryVault(state, { now });
  let removed = 0;
  const put: Vault['put'] = async (key, body, tags, signal) => {
    if ((removed += 1) === 1) await real.delete(key, signal);
    return real.put(key, body, tags, signal);
  };

  expect((await looking({ put }))['written once']!.observed).toMatchObject([{ outcome: 'fine' }]);
});

test('a listing without what was just written says what store not to use; beside it others may lie', async () => {
  const real = memoryVault(state, { now });
  const nothing = { ...real, async *list() {} };
  expect((await looking({ list: nothing.list }))['clock']!.observed).toMatchObject({
    code: 'vault-failed',
    message: 'memory: what was just written is in no listing',
    hint: 'a store whose listings are late hides the newest backup: use one whose are not',
  });

  const beside: Vault['list'] = async function* (prefix, signal) {
    yield { key: objectKey(`${probeKey}.old`), bytes: 1, modified: new Date('2020-01-01T00:00:00Z') };
    yield* real.list(prefix, signal);
  };
  expect((await looking({ list: beside }))['clock']!.observed).toMatchObject([{ outcome: 'fine' }]);
});

test('a vault without tags is asked for none; one that forgets them is told how to be used', async () => {
  expect((await looking({ tags: async () => undefined }))['tagged']!.observed).toEqual([]);

  expect((await looking({ tags: async () => ({}) }))['tagged']!.observed).toMatchObject({
    code: 'vault-failed',
    hint: 'write tags: false in the vault (docs/configuration.md): retention by tag is not to be had there',
  });
});

test('unfinished uploads are counted; that they can’t be listed is a warning, and another failure is one', async () => {
  const begun = { key: objectKey('shop/x/data/0001.sql.zst'), upload: '1', begun: now() };
  state.uploads.set('1', begun);
  expect((await looking())['uploads']!.observed).toEqual(fine('1 unfinished upload, which rotation removes in time'));

  const failing = (work: () => Promise<never>): Vault['unfinished'] =>
    async function* () {
      yield await work();
    };
  expect((await looking({ unfinished: failing(denied) }))['uploads']!.observed).toEqual([
    {
      outcome: 'warning',
      said: 'these credentials may not list unfinished uploads: rotation can’t remove what dead runs have left',
      remedy: 'allow s3:ListBucketMultipartUploads to whoever rotates, or let a lifecycle rule of the bucket end them',
    },
  ]);
  const away = () => Promise.reject(new BackupError('vault-unreachable', 'no route'));
  expect((await looking({ unfinished: failing(away) }))['uploads']!.observed).toMatchObject({
    code: 'vault-unreachable',
  });
});

test('what is free is held against the newest backup of each source, and is enough, little, or too little', async () => {
  const real = memoryVault(state, { now });
  for (const source of ['blog', 'shop']) for (const id of dailyIds(2)) await putBackup(real, source, id);
  const newest = dailyIds(2)[1]!;
  const next = [...state.objects].reduce((sum, [key, { body }]) => sum + (key.includes(newest) ? body.length : 0), 0);
  const remedy = 'free some space or enlarge the disk, or keep fewer backups (retention)';
  const spaceOf = async (free: number) => (await looking({ free: async () => free }))['space']!.observed;

  expect(await spaceOf(3 * next)).toMatchObject([
    { outcome: 'fine', said: expect.stringMatching(/^[\d.]+ k?B are free, and the newest backups take [\d.]+ k?B$/) },
  ]);
  for (const free of [3 * next - 1, next])
    expect(await spaceOf(free)).toMatchObject([{ outcome: 'warning', said: expect.stringMatching(/^only /), remedy }]);
  expect(await spaceOf(next - 1)).toMatchObject({
    code: 'vault-full',
    message: expect.stringMatching(/^memory: only [\d.]+ k?B are free/),
    hint: remedy,
  });
  state = emptyState();
  expect(await spaceOf(999)).toEqual(fine('999 B are free'));
});

test('what becomes of what is written over is told, and tried with an object that is read as JSON', async () => {
  const bodies: string[] = [];
  const overwriting = async (became: 'refused' | 'kept' | 'lost') =>
    (await looking({ overwrite: async (_, body) => (bodies.push(Buffer.from(body).toString()), became) }))[
      'overwritten'
    ]!.observed;

  expect(await overwriting('refused')).toEqual(fine('rightly refused: nothing stored can be written over'));
  expect(await overwriting('kept')).toEqual(fine('what is written over stays as an older version'));
  expect(await overwriting('lost')).toEqual([
    {
      outcome: 'warning',
      said: 'whoever has these credentials can write over backups, and nothing of them is kept',
      remedy: 'keep versions in the bucket (aws s3api put-bucket-versioning …), with a lifecycle rule for old ones',
    },
  ]);
  expect(bodies).toEqual(['{}', '{}', '{}']);
});

test('what becomes of what is removed is told; that it is refused is right, and another failure is one', async () => {
  const removing = async (remove: Vault['delete']) => (await looking({ delete: remove }))['removed']!.observed;

  expect(await removing(async () => ({ state: 'hidden' }))).toEqual(
    fine('allowed, and what is removed stays as an older version: rotation and remove work with these credentials'),
  );
  expect(await removing(denied)).toEqual(
    fine(`refused: right for what only backs up; rotation needs other credentials (${probeKey} stays)`),
  );
  const broken = () => Promise.reject(new BackupError('vault-failed', 'broken'));
  expect(await removing(broken)).toMatchObject({ code: 'vault-failed' });
});
