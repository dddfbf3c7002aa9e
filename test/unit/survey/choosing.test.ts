import { beforeEach, describe, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { ledgerKey, manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import { proofKey } from '../../../core/domain/layout/records.ts';
import type { ProofRecord } from '../../../core/domain/layout/records.ts';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import { newSigningKey } from '../../../core/signing.ts';
import { openStore } from '../../../core/store/store.ts';
import { chooseBackup } from '../../../core/survey/choose.ts';
import type { Which } from '../../../core/survey/choose.ts';
import { whyBad } from '../../../core/survey/none-chosen.ts';
import { verdictOfSource } from '../../../core/survey/verdict-of-source.ts';
import { memoryOf } from '../../../core/survey/watched.ts';
import type { Vault } from '../../../core/vault.ts';
import { signedStore } from '../../support/keys/signed.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState, Turn } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import type { StoredBackup } from '../../support/vaults/stored.ts';
import { depsOf, limit, overwrite } from '../../support/vaults/vault.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';

// Which backup a restore takes, and what it says before: the first does harm where it is wrong, the second where it is left out.
const noon = new Date('2026-11-23T12:00:00Z');
const plainly = memoryOf(undefined);
const encrypted = { ...plainly, encrypted: true };
const { recipient } = await newIdentity();
let state: MemoryState;
let vault: Vault;
beforeEach(() => {
  state = emptyState();
  vault = memoryVault(state, { now: () => noon });
});

const night = (day: number) => new Date(Date.UTC(2026, 10, day, 2));
const stored = (day: number, more: StoredBackup = {}) => storeBackup(vault, 'shop', night(day), more);
const choose = (which: Which, { memory = plainly, store = openStore(vault), now = noon } = {}) =>
  chooseBackup(shop, which, memory, { store, clock: { now: () => now } }, limit());
const looked = (id: BackupId, record: Omit<ProofRecord, 'at'>) =>
  vault.putIfAbsent(proofKey(shop, id, { ...record, at: noon }), Buffer.from('{}'), {}, limit());
const cut = (id: BackupId) => vault.delete(partKey(shop, id, 'data/0001.sql.zst'), limit());
const spoil = (id: BackupId) => overwrite(vault, manifestKey(shop, id), '{"format":2}');
async function made(day: number, recipients: string[]): Promise<BackupId> {
  const engine = toyEngine(new Map([['shop', { orders: ['1', '2'] }]]), 'shop');
  const deps = { ...depsOf(vault), clock: { now: () => night(day) } };
  return (await backup({ ...toySource(engine), recipients }, deps, limit())).id as BackupId;
}
const failing = (call: Parameters<Turn>[0], code: 'vault-denied' | 'internal' = 'vault-denied') =>
  openStore(
    memoryVault(state, {
      turn: async (asked, key) => {
        if (asked === call) throw new BackupError(code, `${key}: no`);
      },
    }),
  );

describe('by its id', () => {
  test('a backup that is as ever is given without a word', async () => {
    const [, second] = [await stored(20), await stored(21)];

    expect(await choose(second)).toMatchObject({ manifest: { id: second }, warnings: [], passedOver: [] });
  });

  test('one that holds less is given with that, and with the last that holds all; so it is as the latest', async () => {
    const full = [await stored(20), await stored(21), await stored(22)].at(-1)!;
    const less = await stored(23, { rows: 100 });
    const holds = `${less}: the newest backup holds 100 rows`;

    expect((await choose(less)).warnings).toEqual([
      expect.stringMatching(new RegExp(`^${holds}.*; the last full one is ${full}$`)),
    ]);
    expect((await choose('latest')).warnings).toEqual((await choose(less)).warnings);
  });

  test('one of another database is given with that', async () => {
    const full = await stored(20);
    const other = await stored(21, { database: 'test' });

    expect((await choose(other)).warnings).toEqual([
      `${other} is of another database than the ones before: test instead of shop; the last full one is ${full}`,
    ]);
  });

  test('one that is damaged or of the future is given with why; what was seen of it earlier is told as that', async () => {
    const [gone, failed, future] = [await stored(20), await stored(21), await stored(25)];
    await cut(gone);
    await looked(failed, { kind: 'verify', outcome: 'failed' });

    expect((await choose(gone)).warnings).toEqual([expect.stringMatching(new RegExp(`^${gone}: (?!earlier)`))]);
    expect((await choose(failed)).warnings).toEqual([
      expect.stringMatching(new RegExp(`^${failed}: earlier, .*failed`)),
    ]);
    expect((await choose(future)).warnings).toEqual([expect.stringMatching(new RegExp(`^${future}: (?!earlier)`))]);
    for (const kind of ['restore', 'drill'] as const) {
      const id = await stored(kind === 'drill' ? 18 : 19);
      await looked(id, { kind, outcome: 'failed' });
      expect((await choose(id)).warnings).toEqual([expect.stringMatching(new RegExp(`^${id}: earlier, .*failed`))]);
    }
  });

  test('one that can’t be judged is given all the same, but where it may have to be encrypted and is not', async () => {
    const [plain, sealed] = [await made(20, []), await made(21, [recipient])];
    const unlisted = { store: failing('list') };

    for (const memory of [plainly, encrypted])
      expect(await choose(sealed, { ...unlisted, memory })).toMatchObject({
        manifest: { id: sealed },
        warnings: [],
        passedOver: [],
      });
    expect(await choose(plain, unlisted)).toMatchObject({ manifest: { id: plain }, warnings: [], passedOver: [] });
    await expect(choose(plain, { ...unlisted, memory: encrypted })).rejects.toMatchObject({ code: 'vault-denied' });
  });

  test('one that no listing shows is given without a judgement', async () => {
    const id = await stored(20);
    async function* nothing() {}
    const hiding = { ...vault, list: nothing };

    expect(await choose(id, { store: openStore(hiding) })).toMatchObject({
      manifest: { id },
      warnings: [],
      passedOver: [],
    });
  });
});

describe('the newest', () => {
  test('is given whatever it is worth, but not one of the future', async () => {
    const [, newest] = [await stored(20), await stored(21), await stored(25)];
    await cut(newest);

    expect((await choose('newest')).manifest.id).toBe(newest);
  });

  test('that is plain where it has to be encrypted is given to nobody, and it is said what to do', async () => {
    const plain = [await made(20, [recipient]), await made(21, [])].at(-1)!;

    for (const which of ['newest', plain])
      await expect(choose(which, { memory: encrypted })).rejects.toMatchObject({
        code: 'backup-plain',
        message: expect.stringMatching(
          new RegExp(`^the backup ${plain} of shop is not to be trusted: it is not encrypted, as backups since`),
        ),
        hint:
          'keep it to look into it, and see who can write to the vault; if it is yours, of a time without encryption: ' +
          'with a configuration without encryption.recipients it is taken (docs/encryption.md)',
      });
  });

  test('is the good one of this very second', async () => {
    const ids = [await stored(22), await stored(23)];

    expect((await choose({ at: 'today' }, { now: night(23) })).manifest.id).toBe(ids[1]);
    expect((await choose({ at: '2026-11-22T02:00:00Z' })).manifest.id).toBe(ids[0]);
  });
});

describe('the latest proven', () => {
  const proven = (id: BackupId) => looked(id, { kind: 'drill', outcome: 'passed' });

  test('is told with how many newer ones are not', async () => {
    const ids = [await stored(18), await stored(19), await stored(20), await stored(21), await stored(22)];
    await proven(ids[0]!);
    expect((await choose('latest-proven')).warnings).toEqual([`4 newer backups are not proven, the newest ${ids[4]}`]);
    await proven(ids[3]!);
    expect((await choose('latest-proven')).warnings).toEqual([`1 newer backup is not proven, the newest ${ids[4]}`]);
  });

  test('is found behind more than a hundred that nobody has read', async () => {
    const first = await stored(1);
    await proven(first);
    for (let index = 0; index < 101; index += 1)
      await storeBackup(vault, 'shop', new Date(night(2).getTime() + index * 3_600_000), { random: index / 1000 });

    expect((await choose('latest-proven')).manifest.id).toBe(first);
  });
});

describe('of more backups than are read at first', () => {
  const hourly = (hours: number) => new Date(night(2).getTime() + hours * 3_600_000);
  let read = 0;
  const counting = () => {
    read = 0;
    const turn: Turn = async (call, key) => {
      if (call === 'read' && key.endsWith('/manifest.json')) read += 1;
    };
    return openStore(memoryVault(state, { turn, now: () => noon }));
  };

  test('the others are read only where none of those is good, and none of them twice without need', async () => {
    const first = await stored(1);
    for (let index = 0; index < 100; index += 1)
      await storeBackup(vault, 'shop', hourly(index), { random: index / 1000 });

    await choose('latest', { store: counting() });
    const ofGood = read;
    const until = new Date(hourly(0).getTime() - 1);
    expect((await choose({ at: until.toISOString() }, { store: counting() })).manifest.id).toBe(first);

    expect(ofGood).toBeLessThanOrEqual(101);
  });

  test('a hundred at most are read once, found or not', async () => {
    const unproven = await stored(1);
    const deps = { store: counting(), clock: { now: () => noon } };

    const { verdict } = await verdictOfSource(shop, plainly, deps, limit(), { wanted: 'proven' });

    expect([verdict.backups.map(({ id, proven }) => ({ id, proven })), read]).toEqual([
      [{ id: unproven, proven: false }],
      1,
    ]);
  });
});

test('what a restore passes over is told with why; of a moment, what was begun later is not', async () => {
  const [, good, bad] = [await stored(18), await stored(19), await stored(20)];
  await cut(bad);
  const over = [{ id: bad, why: expect.stringContaining('is gone') }];
  const warned = [expect.stringMatching(new RegExp(`^passed over ${bad}: .*is gone`))];

  expect(await choose('latest')).toMatchObject({ manifest: { id: good }, passedOver: over, warnings: warned });
  const later = await stored(21);
  await cut(later);
  expect(await choose({ at: '2026-11-20T12:00Z' })).toMatchObject({
    manifest: { id: good },
    passedOver: over,
    warnings: warned,
    meant: expect.stringMatching(/^2026-11-20T12:00Z is .*; the newest good backup until then began /),
  });
  expect((await choose('latest')).passedOver.map(({ id }) => id)).toEqual([later, bad]);
});

test('what the vault remembers is not missed where it can’t be read, and that is told', async () => {
  const id = await stored(20);
  await vault.putIfAbsent(ledgerKey(shop), Buffer.from('{}'), {}, limit());
  const store = openStore(
    memoryVault(state, {
      turn: async (asked, key) => {
        if (asked === 'read' && key === ledgerKey(shop)) throw new BackupError('vault-denied', 'you may not');
      },
    }),
  );

  for (const which of ['latest', { at: '2026-11-21' }, id])
    expect(await choose(which, { store })).toMatchObject({
      manifest: { id },
      warnings: ["what the vault remembers of shop can't be read: you may not"].slice(which === id ? 1 : 0),
    });
});

test('the latest proven that is the newest is given without a word', async () => {
  const ids = [await stored(20), await stored(21)];
  await looked(ids[1]!, { kind: 'drill', outcome: 'passed' });

  expect(await choose('latest-proven')).toMatchObject({ manifest: { id: ids[1] }, warnings: [], passedOver: [] });
});

describe('where there is none', () => {
  test('until a moment, or none that is proven, it is said which there are', async () => {
    const [first, second] = [await stored(20), await stored(21)];
    const there = `the earliest is ${first} \\(.+\\), the newest ${second} \\(.+\\)`;
    const until = async (at: string, says: string) =>
      expect(choose({ at })).rejects.toMatchObject({
        code: 'backup-missing',
        message: expect.stringMatching(new RegExp(`^no backup of shop in memory: none until [^;]+${says}; ${there}$`)),
      });

    await until('2026-11-19', '');
    await expect(choose('latest-proven')).rejects.toMatchObject({
      code: 'backup-missing',
      message: `no backup of shop in memory: none of 2 was restored and compared; the newest good one is ${second}`,
      hint: 'prove it: nightjar drill shop',
    });
    await cut(first);
    await until('2026-11-20', ` that is good; ${first} is not: .*`);
  });

  const ways: Which[] = ['latest', 'latest-proven', { at: 'yesterday' }];

  test('at all, it is said how to make one; adopted ones are named', async () => {
    for (const which of ways)
      await expect(choose(which)).rejects.toMatchObject({
        code: 'backup-missing',
        message: 'no backup of shop in memory: there is none yet',
        hint: 'take one: nightjar backup shop',
      });
    const last = [
      await stored(19, { adopted: true }),
      await stored(20, { adopted: true }),
      await stored(21, { adopted: true }),
    ].at(-1);
    for (const which of ways)
      await expect(choose(which)).rejects.toMatchObject({
        code: 'backup-missing',
        message: 'no backup of shop in memory: there is none yet but 3 adopted ones',
        hint: `that goes by its id: nightjar restore shop ${last}`,
      });
  });

  test('that is good, the newest is named with what is wrong with it', async () => {
    const first = await stored(20);
    await cut(first);
    const hint = 'see all of them: nightjar list shop; one can be restored by its id all the same';
    await expect(choose('latest')).rejects.toMatchObject({
      code: 'part-corrupt',
      message: expect.stringMatching(
        new RegExp(`^no backup of shop in memory: the only one is not good: ${first}: \\w.* (is|are) gone|missing`),
      ),
      hint,
    });
    const second = await stored(21);
    await cut(second);
    await expect(choose('latest')).rejects.toMatchObject({
      code: 'part-corrupt',
      message: expect.stringContaining(`: none of 2 is good: ${second}: `),
      hint,
    });
    const future = await stored(25);
    await expect(choose('latest')).rejects.toMatchObject({
      code: 'backup-missing',
      message: expect.stringContaining(`: none of 3 is good: ${future}: `),
      hint,
    });
  });

  test('and the newest can’t be read, or has to be signed and is not, that is what is said', async () => {
    const last = [await stored(20), await stored(21)];
    for (const id of last) await spoil(id);
    const hint = 'no other backup is good: nightjar list shop';
    await expect(choose('latest')).rejects.toMatchObject({ code: 'manifest-invalid', hint });

    const signed = signedStore(vault, { publicKeys: [newSigningKey().publicKey] });
    await overwrite(vault, manifestKey(shop, last[1]!), '{}');
    await stored(22);
    await expect(choose('latest', { store: signed })).rejects.toMatchObject({ code: 'manifest-unsigned', hint });
  });

  test('but plain ones behind a damaged encrypted one, none is taken', async () => {
    const [sealed, plain] = [await made(20, [recipient]), await made(21, [])];
    for await (const { key } of vault.list(`shop/${sealed}/data/`, limit())) await vault.delete(key, limit());
    expect([...state.objects.keys()].some((key) => key.includes(sealed) && key.endsWith('.age'))).toBe(true);

    await expect(choose('latest', { memory: encrypted })).rejects.toMatchObject({
      code: 'backup-plain',
      message: expect.stringContaining(plain),
    });
  });
});

test('what nobody has read is passed over for that', () => {
  expect(whyBad({ damage: undefined, misdated: undefined } as never)).toBe('its manifest was not read');
});
