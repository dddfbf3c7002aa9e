import { beforeEach, expect, test } from '@jest/globals';
import { findingLines } from '../../../../bin/cli/text/check-table.ts';
import { check } from '../../../../core/commands/check/check.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import type { Message } from '../../../../core/contract/events/message.ts';
import { manifestKey, partKey } from '../../../../core/domain/layout/places.ts';
import { proofKey } from '../../../../core/domain/layout/records.ts';
import { checkResult } from '../../../../core/domain/watch/check-result.ts';
import type { WatchedSource } from '../../../../core/domain/watch/freshness.ts';
import { openStore } from '../../../../core/store/store.ts';
import type { Vault } from '../../../../core/vault.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../../support/vaults/memory-vault.ts';
import { hourMs, shop, watching } from '../../../support/vaults/seen.ts';
import { storeBackup } from '../../../support/vaults/stored.ts';
import { limit } from '../../../support/vaults/vault.ts';

let now: Date;
let heard: string[];
let first: MemoryState;
let further: Record<string, MemoryState>;

beforeEach(() => {
  now = new Date('2026-11-20T02:00:00Z');
  heard = [];
  first = emptyState();
  further = { nas: emptyState(), away: emptyState() };
});

const pass = (hours: number) => void (now = new Date(now.getTime() + hours * hourMs));
const vaultOf = (state: MemoryState, place: string): Vault => memoryVault(state, { place, now: () => now });
const line = ({ severity, source, kind, subject }: Message) => `${severity} ${source ?? 'all'} ${kind}: ${subject}`;
const take = () => heard.splice(0);
const limitMs = 25 * hourMs;
const unreachable = (): never => {
  throw new BackupError('vault-unreachable', 'connect ETIMEDOUT', { hint: 'is it up?' });
};

/** One that makes, or has made, a backup of this moment. */
const backUp = (source = 'shop', start = now) => storeBackup(vaultOf(first, 'first'), source, start, { seconds: 0 });

/** What a copy leaves there: every object of the backup, to the byte. */
async function copy(id: BackupId, name: string): Promise<void> {
  const to = vaultOf(further[name]!, name);
  for (const [key, { body }] of first.objects)
    if (key.includes(`/${id}/`) && !further[name]!.objects.has(key)) await to.putIfAbsent(key, body, {}, limit());
}

type Checking = { copies?: WatchedSource['copies']; watch?: Partial<WatchedSource['watch']> };

async function checking(
  { copies = [{ vault: 'nas' }], watch = {} }: Checking = {},
  {
    names = ['shop'],
    whole = true,
    open = (name: string) => vaultOf(further[name]!, name),
    copiesWithinMs = undefined as number | undefined,
  } = {},
) {
  const sources = names.map((name) => ({
    ...watching({ limit: { ms: limitMs }, ...watch }),
    source: name as SourceName,
    copies,
  }));
  const checked = await check(
    sources,
    { whole },
    {
      store: openStore(vaultOf(first, 'first')),
      vault: async (name) => openStore(open(name)),
      copiesWithinMs,
      clock: { now: () => now },
      notifiers: [{ name: 'listener', notify: async (message) => void heard.push(line(message)) }],
      meter: () => undefined,
    },
    limit(),
  );
  expect(checked.failures).toEqual([]);
  return checkResult(checked);
}

test('a copy that falls behind is told once, and once more when it is complete', async () => {
  const copies = [{ vault: 'nas' }, { vault: 'away' }];
  const one = await backUp();
  await copy(one, 'nas');
  await copy(one, 'away');
  pass(24);
  const two = await backUp();
  await copy(two, 'nas');
  expect((await checking({ copies })).status).toBe('fresh');
  pass(2);

  const seen = await checking({ copies });
  await checking({ copies });

  expect(take()).toEqual(['problem shop copy-behind: the newest copy in away is 26 h old, over the limit of 25 h']);
  expect(seen).toMatchObject({
    status: 'problems',
    sources: [
      {
        state: 'copy-behind',
        findings: [{ kind: 'copy-behind', text: 'the newest copy in away is 26 h old, over the limit of 25 h' }],
        copies: [
          { vault: 'nas', state: 'fresh', newest: two, limitSeconds: 25 * 3600 },
          { vault: 'away', state: 'behind', newest: one, limitSeconds: 25 * 3600 },
        ],
      },
    ],
  });
  await copy(two, 'away');
  await checking({ copies });
  await checking({ copies });
  expect(take()).toEqual([
    'recovered shop recovered: the copies in away are fresh again: the newest backup is 2 h old',
  ]);
});

test('a new vault has as long as the source for its first copy; then it is told that there is none', async () => {
  await backUp();
  pass(24);
  await backUp();
  expect((await checking()).sources[0]).toMatchObject({ state: 'fresh', copies: [{ vault: 'nas', state: 'fresh' }] });
  pass(2);
  await checking();
  expect(take()).toEqual(['problem shop copy-behind: there is no copy in nas']);
});

test('a first vault that keeps one backup alone hides nothing', async () => {
  await copy(await backUp(), 'nas');
  for (let day = 0; day < 3; day += 1) {
    await checking();
    pass(24);
    first.objects.forEach((_, key) => key.startsWith('shop/2026') && first.objects.delete(key));
    await backUp();
  }
  await checking();
  expect(take().filter((text) => text.includes('copy'))).toEqual([
    'problem shop copy-behind: the newest copy in nas is 2 d old, over the limit of 25 h',
    'reminder shop copy-behind: the newest copy in nas is 3 d old, over the limit of 25 h',
  ]);
});

test('a further vault that can’t be read is told as that, once, and is not taken for an empty one', async () => {
  await backUp();
  pass(26);
  await backUp();
  const gone = { open: unreachable, names: ['shop', 'blog'] };
  await backUp('blog');

  const seen = await checking({}, gone);
  await checking({}, gone);

  const why = "problem all copy-unknown: the vault nas can't be read: nobody knows how the copies in it stand";
  expect(take()).toEqual([why]);
  expect(seen).toMatchObject({
    status: 'problems',
    unread: [{ vault: 'nas', error: 'connect ETIMEDOUT (vault-unreachable)', hint: 'is it up?' }],
    sources: [
      { source: 'shop', state: 'fresh', findings: [], copies: [{ vault: 'nas', state: 'unknown' }] },
      { source: 'blog', state: 'fresh', copies: [{ vault: 'nas', state: 'unknown' }] },
    ],
  });

  await checking({}, { names: ['shop', 'blog'] });
  expect(take().toSorted()).toEqual([
    'problem shop copy-behind: there is no copy in nas',
    'recovered all recovered: the vault nas can be read again',
  ]);
});

test('a further vault that could not be read is over once nothing is copied there any more', async () => {
  await backUp();
  await checking({}, { open: unreachable });
  take();

  await checking({ copies: [] }, { whole: false });
  expect(take()).toEqual([]);
  await checking({ copies: [] });
  await checking({ copies: [] });
  expect(take()).toEqual(['recovered all recovered: nothing is copied to the vault nas any more']);
});

test('a further vault that hangs is told within the time of the host, and the others are judged', async () => {
  await backUp();
  const silent: Vault = {
    ...vaultOf(emptyState(), 'away'),
    async *list() {
      await new Promise(() => undefined);
    },
  };
  const open = (name: string) => (name === 'away' ? silent : vaultOf(further[name]!, name));
  const checked = await checking({ copies: [{ vault: 'away' }, { vault: 'nas' }] }, { open, copiesWithinMs: 1_000 });

  expect(take()).toEqual([expect.stringMatching(/^problem all copy-unknown: .*away/)]);
  expect(checked.sources[0]).toMatchObject({ state: 'fresh' });
});

test('where the first vault can’t be read, its copies are named, and not looked into', async () => {
  await copy(await backUp(), 'nas');
  const opened: string[] = [];
  const messages: Message[] = [];
  const checked = await check(
    [{ ...watching(), copies: [{ vault: 'nas' }] }],
    { whole: true },
    {
      store: openStore({ ...vaultOf(first, 'first'), list: unreachable }),
      vault: async (name) => {
        opened.push(name);
        return openStore(vaultOf(further[name]!, name));
      },
      clock: { now: () => now },
      notifiers: [{ name: 'listener', notify: async (message) => void messages.push(message) }],
      meter: () => undefined,
    },
    limit(),
  );

  expect(messages).toMatchObject([
    {
      kind: 'unknown',
      facts: expect.arrayContaining([{ label: 'Copies in', value: 'nas' }]),
      next: ['nightjar check', 'nightjar list --vault nas'],
    },
  ]);
  expect(opened).toEqual([]);
  expect(checkResult(checked)).toMatchObject({ status: 'problems', vault: { place: 'first' } });
  expect(findingLines(checked).at(-1)).toBe('  run: nightjar list --vault nas');
});

test('while a further vault can’t be read, nothing of it is over', async () => {
  await backUp();
  pass(26);
  await backUp();
  await checking();
  expect(take()).toHaveLength(1);

  await checking({}, { open: unreachable });
  expect(take()).toEqual([
    "problem all copy-unknown: the vault nas can't be read: nobody knows how the copies in it stand",
  ]);
});

test('half a copy, one with another manifest, and one that failed its last look are none', async () => {
  const one = await backUp();
  const spoil: ((to: Vault) => Promise<unknown>)[] = [
    (to) => to.delete(partKey(shop, one, 'data/0001.sql.zst'), limit()),
    (to) => to.delete(manifestKey(shop, one), limit()),
    async (to) => {
      await to.delete(manifestKey(shop, one), limit());
      await to.putIfAbsent(manifestKey(shop, one), Buffer.from('{}'), {}, limit());
    },
    (to) =>
      to.putIfAbsent(
        proofKey(shop, one, { kind: 'verify', outcome: 'failed', at: now }),
        Buffer.from('{}'),
        {},
        limit(),
      ),
  ];
  pass(26);
  await backUp();
  expect([...first.objects.keys()]).toContain(`shop/${one}/data/0001.sql.zst`);
  for (const [index, spoilt] of spoil.entries()) {
    further['nas'] = emptyState();
    await copy(one, 'nas');
    expect((await checking()).sources[0]!.copies).toMatchObject([{ newest: one }]);
    await spoilt(vaultOf(further['nas']!, 'nas'));
    const [seen] = (await checking()).sources;
    expect([index, seen!.copies]).toEqual([index, [{ vault: 'nas', state: 'behind', limitSeconds: 25 * 3600 }]]);
  }
});

test.each([true, false])(
  'a look at a copy is one listing, reads nothing and writes nothing (all sources: %p)',
  async (whole) => {
    const names = ['blog', 'shop'];
    for (const name of names) await copy(await backUp(name), 'nas');
    const calls: string[] = [];
    const real = vaultOf(further['nas']!, 'nas');
    const open = () =>
      new Proxy(real, {
        get(target, name: keyof Vault) {
          if (name === 'place' || name === 'name') return target[name];
          return (...args: never[]) => {
            calls.push(`${name} ${String(args[0])}`);
            return (target[name] as (...all: never[]) => unknown)(...args);
          };
        },
      });

    const { sources } = await checking({}, { names, whole, open });

    expect(sources.map(({ copies }) => copies?.[0]?.state)).toEqual(['fresh', 'fresh']);
    expect(calls).toEqual(whole ? ['list '] : ['list blog/', 'list shop/']);
  },
);

test('what is not copied any more is over', async () => {
  await backUp();
  pass(26);
  await backUp();
  await checking();
  take();
  await checking({ copies: [] });
  expect(take()).toEqual([
    'recovered shop recovered: not copied any more to where it was behind: the newest backup is 0.0 s old',
  ]);
});

test('of a paused source, and one whose backups are all gone, nothing is said of copies', async () => {
  await backUp();
  pass(26);
  await backUp();
  await checking();
  expect(take()).toHaveLength(1);

  const paused = await checking({ watch: { paused: true } });
  expect(paused.sources[0]!.copies).toEqual([{ vault: 'nas', state: 'unknown' }]);
  for (const key of [...first.objects.keys()]) if (key.startsWith('shop/2026')) first.objects.delete(key);
  await checking();

  expect(take().filter((text) => text.includes('cop') || text.includes('recovered'))).toEqual([]);
});

test('a copy has a limit of its own where it is said', async () => {
  await copy(await backUp(), 'nas');
  pass(26);
  await backUp();
  expect((await checking({ copies: [{ vault: 'nas', freshnessMs: 8 * 24 * hourMs }] })).status).toBe('fresh');
  expect((await checking({ copies: [{ vault: 'nas', freshnessMs: hourMs }] })).status).toBe('problems');
});

test('the time that copies usually take to arrive comes on top of the limit', async () => {
  for (let day = 0; day < 3; day += 1) {
    const id = await backUp();
    pass(10);
    await copy(id, 'nas');
    pass(14);
  }
  await backUp();
  pass(9);
  const [seen] = (await checking()).sources;
  expect(seen).toMatchObject({ state: 'fresh', copies: [{ state: 'fresh', limitSeconds: 35 * 3600 }] });
  pass(3);
  expect((await checking()).sources[0]).toMatchObject({ copies: [{ state: 'behind' }] });
});

test('a backup of the far future in a further vault does not hide that it is behind', async () => {
  await backUp();
  await copy(await backUp('shop', new Date(now.getTime() - 60_000)), 'nas');
  await vaultOf(further['nas']!, 'nas').putIfAbsent(
    objectKey('shop/20990101T000000Z-000000/manifest.json'),
    Buffer.from('{}'),
    {},
    limit(),
  );
  pass(24);
  await backUp();
  pass(2);
  expect((await checking()).sources[0]).toMatchObject({ copies: [{ vault: 'nas', state: 'behind' }] });
});
