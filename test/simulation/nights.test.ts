import { afterEach, expect, test } from '@jest/globals';
import type { Retention } from '../../core/contract/config/settings/settings.ts';
import { objectKey } from '../../core/domain/keys.ts';
import { ledgerKey, partKey } from '../../core/domain/layout/places.ts';
import type { BackupId } from '../../core/domain/keys.ts';
import { none } from '../support/vaults/history.ts';
import { nights } from '../support/worlds/nights.ts';
import type { Nights } from '../support/worlds/nights.ts';
import { shop } from '../support/vaults/seen.ts';
import type { StoredBackup } from '../support/vaults/stored.ts';
import { limit, overwrite } from '../support/vaults/vault.ts';
import { drawing } from '../support/random/drawing.ts';

const week: Retention = { count: 7 };
const month: Retention = { ...none, daily: 30 };
const usual: Retention = { ...none, daily: 7, weekly: 4, monthly: 12, yearly: 5 };
const full = (night: number): Record<string, number> => ({
  orders: 100_000 + night * 50,
  customers: 4000 + night,
  settings: 12,
  t1_orders: 9000,
  t2_orders: 3000,
});
const lostAt = 12;
const lastNight = 31;
let scene: Nights | undefined;
afterEach(() => scene?.remove());

/** A month of nights: what was found each night, and the ids of the backups. */
async function lived(
  made: Nights,
  backupOf: (night: number) => StoredBackup | undefined,
  between: (
    night: number,
    id: BackupId | undefined,
    ids: (BackupId | undefined)[],
  ) => Promise<unknown> = async () => {},
) {
  scene = made;
  const ids: (BackupId | undefined)[] = [undefined];
  const found: string[][] = [[]];
  for (let night = 1; night <= lastNight; night += 1) {
    const one = await made.night(backupOf(night), (id) => between(night, id, ids));
    ids.push(one.id);
    found.push(one.kinds);
  }
  return { ids, found };
}

const losses: [name: string, kind: string, lose: (night: number) => StoredBackup][] = [
  [
    'all rows gone in one go',
    'shrunk',
    () => ({ tables: { orders: 0, customers: 0, settings: 0, t1_orders: 0, t2_orders: 0 } }),
  ],
  ['99.5 % of the rows gone', 'shrunk', (night) => ({ tables: { orders: 500 + night, customers: 20, settings: 12 } })],
  ['one table emptied beside large ones', 'shrunk', (night) => ({ tables: { ...full(night), customers: 0 } })],
  [
    'nine tenths of one table gone beside large ones',
    'shrunk',
    (night) => ({ tables: { ...full(night), customers: 400 } }),
  ],
  [
    'one table lost in two nights',
    'shrunk',
    (night) => ({ tables: { ...full(night), customers: night === lostAt ? 1900 : 0 } }),
  ],
  ['a small table emptied beside large ones', 'shrunk', (night) => ({ tables: { ...full(night), settings: 0 } })],
  [
    "one tenant's table emptied beside the others'",
    'shrunk',
    (night) => ({ tables: { ...full(night), t2_orders: 0 } }),
  ],
  [
    'one table dropped beside large ones',
    'shrunk',
    (night) => ({ tables: Object.fromEntries(Object.entries(full(night)).filter(([name]) => name !== 'customers')) }),
  ],
  ['bytes gone, and no row', 'shrunk', (night) => ({ tables: full(night), bytes: 200_000 })],
  ['another database under the name', 'other-database', (night) => ({ tables: full(night), database: 'shop_test' })],
  ['another engine under the name', 'other-database', (night) => ({ tables: full(night), engine: 'mariadb' })],
  ['another server under the name', 'other-database', (night) => ({ tables: full(night), identity: 'b-server' })],
];

test.each(losses)(
  'a month of this loss is told by the next check, never heals by waiting, and the last full backup is there at ' +
    'the end: %s',
  async (name, kind, lose) => {
    // by a count, and once by tiers
    for (const retention of name === losses[0]![0] ? [usual, week] : [week]) {
      await scene?.remove();
      const made = await nights(retention);
      const { ids, found } = await lived(made, (night) =>
        night < lostAt ? { tables: full(night), identity: 'a-server' } : { identity: 'a-server', ...lose(night) },
      );

      expect([name, made.told(kind)]).toEqual([name, [lostAt]]);
      expect([name, found.slice(1, lostAt).flat()]).toEqual([name, []]);
      expect([name, found.slice(lostAt).every((kinds) => kinds.includes(kind))]).toEqual([name, true]);
      expect([name, made.told('recovered', 'recovered')]).toEqual([name, []]);
      expect([name, made.told(kind, 'reminder')]).toEqual([
        name,
        Array.from({ length: lastNight - lostAt }, (__, day) => lostAt + 1 + day),
      ]);
      expect([name, await made.ids()]).toEqual([name, expect.arrayContaining([ids[lostAt - 1]])]);
    }
  },
);

test('what was lost hourly, beyond any retention, is told as long as it lasts, and rotation holds the last full backup', async () => {
  const made = await nights(week, { hours: 1 });
  const { ids, found } = await lived(made, (hour) => ({
    tables: hour < lostAt ? { orders: 100_000 } : { orders: 500 },
  }));

  expect(made.told('shrunk')).toEqual([lostAt]);
  expect(found.slice(lostAt).every((kinds) => kinds[0] === 'shrunk')).toBe(true);
  expect(await made.ids()).toEqual([ids[lostAt - 1], ...ids.slice(-7)]);

  expect(await made.accept()).toEqual(['rows']);
  expect((await made.night({ tables: { orders: 500 } })).kinds).toEqual([]);
  expect(await made.ids()).not.toContain(ids[lostAt - 1]);
  expect(made.heard.at(-1)).toMatchObject({ severity: 'recovered', was: expect.stringContaining('shrunk') });
});

test('15 % less each night is told when it is under the limit, and both the last full backup and the fullest are held', async () => {
  const made = await nights(week);
  const { ids, found } = await lived(made, (night) => ({
    tables: { orders: Math.round(100_000 * 0.85 ** Math.max(0, night - 5)) },
  }));

  // 0.85^5 is 44 %
  expect(made.told('shrunk')).toEqual([10]);
  expect(found.slice(10).every((kinds) => kinds.includes('shrunk'))).toBe(true);
  expect(await made.ids()).toEqual(expect.arrayContaining([ids[5], ids[9]]));
});

test('29 of 30 backups that are deleted by hand are told by the next check, and until that is accepted', async () => {
  const made = await nights(month);
  const { found } = await lived(
    made,
    (night) => ({ tables: full(night) }),
    async (night, __, ids) => {
      if (night === 30)
        for (const id of ids.slice(1)) if (id !== undefined && (await made.ids()).length > 1) await made.drop(id);
    },
  );
  expect([made.told('gone'), made.heard[0]?.subject, found.slice(1, 30).flat()]).toEqual([
    [30],
    '29 of 30 backups are gone, and no rotation removed them',
    [],
  ]);

  for (let night = 0; night < 40; night += 1) expect((await made.night({ tables: full(40) })).kinds).toEqual(['gone']);
  expect(await made.accept()).toEqual(['backups']);
  expect((await made.night({ tables: full(40) })).kinds).toEqual([]);
}, 120_000);

test('a retention that is raised after a rotation takes nothing that was removed by it for gone', async () => {
  for (const [before, after] of [
    [{ count: 2 }, { count: 30 }],
    [{ ...none, daily: 7 }, usual],
  ] satisfies [Retention, Retention][]) {
    const made = await nights(before);
    for (let night = 1; night <= 12; night += 1) await made.night({ tables: full(night) });
    made.retain(after);
    for (let night = 13; night <= 16; night += 1) await made.night({ tables: full(night) });
    expect(made.heard).toEqual([]);

    // what is removed by hand after that is told as ever, and so is what both retentions keep, when that is lowered again
    await made.drop((await made.ids()).at(-1) as BackupId);
    expect((await made.night({ tables: full(17) })).kinds).toEqual(['gone']);
    await made.accept();
    const last = (await made.ids()).at(-1) as BackupId;
    made.retain(before);
    await made.drop(last);
    expect((await made.night({ tables: full(18) })).kinds).toEqual(['gone']);
    await made.remove();
  }
  scene = await nights(usual);
}, 60_000);

test('all backups gone at once is no source that has never been backed up', async () => {
  const made = await nights(usual);
  const { found } = await lived(
    made,
    (night) => (night <= 20 ? { tables: full(night) } : undefined),
    async (night, __, ids) => {
      if (night === 21) for (const id of ids.slice(1)) if (id !== undefined) await made.drop(id);
    },
  );

  expect(found[21]).toEqual(['gone']);
  expect(found.slice(21).flat()).not.toContain('never');
});

test('a loss that was mended is told again when it comes again', async () => {
  const made = await nights(week);
  await lived(made, (night) => ({ tables: { ...full(night), customers: night === 12 || night === 15 ? 0 : 4000 } }));

  expect(made.told('shrunk')).toEqual([12, 15]);
});

test('a source whose whole folder is gone has no backup left: nobody can accept that, and a backup is what to make', async () => {
  const made = await nights(usual);
  scene = made;
  for (let night = 1; night <= 10; night += 1) await made.night({ tables: full(night) });
  for (const { key } of await Array.fromAsync(made.vault.list('shop/', limit()))) await made.vault.delete(key, limit());

  for (let night = 11; night <= 13; night += 1) expect((await made.night(undefined)).kinds).toEqual(['gone']);
  expect(made.heard[0]).toMatchObject({
    night: 11,
    subject: 'no backup is left: all that there were are gone, and no rotation removed them',
    next: ['nightjar backup shop'],
  });
  await expect(made.accept()).rejects.toMatchObject({
    code: 'backup-missing',
    hint: 'make one first: nightjar backup shop',
  });
  expect((await made.night({ tables: full(14) })).kinds).toEqual(['unknown']);
  expect(await made.accept()).toEqual(['memory']);
  expect((await made.night({ tables: full(15) })).kinds).toEqual([]);
});

test('a backup whose parts are gone or cut, that failed a verify, or every drill of which failed, is never told as fresh', async () => {
  const spoil: [string, (id: BackupId) => Promise<unknown>][] = [
    ['its part data/0002.sql.zst is gone', (id) => made.vault.delete(partKey(shop, id, 'data/0002.sql.zst'), limit())],
    [
      'its part data/0001.sql.zst holds 1 B instead of 4 B',
      (id) => overwrite(made.vault, partKey(shop, id, 'data/0001.sql.zst'), 'x'),
    ],
    ['its verify of', (id) => made.prove(id, 'verify', 'failed')],
    ['its drill of', (id) => made.prove(id, 'drill', 'failed')],
  ];
  let made = await nights(week);
  for (const [why, how] of spoil) {
    made = await nights(week);
    const { ids } = await lived(
      made,
      (night) => ({ tables: full(night), parts: 2 }),
      async (night, id) => (night === 20 ? how(id!) : undefined),
    );
    // found in the night in which it happened, and until rotation has removed it
    expect([why, made.told('damaged'), made.heard[0]?.subject]).toEqual([
      why,
      [20],
      expect.stringContaining(`${ids[20]} is damaged: ${why}`),
    ]);
    await made.remove();
  }
  made = await nights(week);
  scene = made;
}, 120_000);

test('a memory that is lost or cut is told until it is accepted, and made anew from what is there', async () => {
  for (const lose of [
    (made: Nights) => made.vault.delete(ledgerKey(shop), limit()),
    (made: Nights) => overwrite(made.vault, ledgerKey(shop), 'x'),
  ]) {
    const made = await nights(usual);
    const { found } = await lived(
      made,
      (night) => ({ tables: full(night) }),
      (night) => (night === 10 ? lose(made) : Promise.resolve()),
    );

    expect([found.slice(1, 10).flat(), found.slice(10).every((kinds) => kinds.join() === 'unknown')]).toEqual([
      [],
      true,
    ]);
    expect(await made.accept()).toEqual(['memory']);
    expect((await made.night({ tables: full(32) })).kinds).toEqual([]);
    await made.remove();
  }
  scene = await nights(usual);
}, 120_000);

test('an older memory that is put back is told once, and hides no backup that was lost since', async () => {
  const made = await nights(usual);
  scene = made;
  const ids: (BackupId | undefined)[] = [undefined];
  let older = '';
  for (let night = 1; night <= 5; night += 1) {
    ids.push((await made.night({ tables: full(night) })).id);
    if (night === 2) older = (await made.vault.read(ledgerKey(shop), limit())).body.toString();
  }

  await overwrite(made.vault, ledgerKey(shop), older);
  await made.drop(ids[3]!);

  expect((await made.checking()).judgements[0]!.findings).toEqual([
    expect.objectContaining({ kind: 'unknown', why: expect.stringContaining('an older state of it was put back') }),
  ]);
  await made.checking();
  expect((await made.night({ tables: full(6) })).kinds).toEqual(['unknown']);
  expect(made.heard.map(({ night, severity, kind }) => [night, severity, kind])).toEqual([[5, 'problem', 'unknown']]);
  expect(await made.accept()).toEqual(['memory']);
  expect((await made.night({ tables: full(7) })).kinds).toEqual([]);
});

test('a check that dies before it has noted in the index what it wrote is no loss', async () => {
  const made = await nights(usual);
  scene = made;
  const index = objectKey('ledger.json');
  await made.night({ tables: full(1) });
  const before = (await made.vault.read(index, limit())).body.toString();
  await made.night({ tables: full(2) });

  await overwrite(made.vault, index, before);

  expect((await made.night(undefined)).kinds).toEqual([]);
  expect((await made.vault.read(index, limit())).body.toString()).not.toBe(before);
});

test('of ninety healthy nights nothing is told: queues, staging tables, partitions, imports, growth', async () => {
  // one draw of many: docs/freshness.md says how many of them tell something of a volatile table
  const draw = drawing(10);
  const made = await nights(usual);
  scene = made;
  let orders = 50_000;
  for (let night = 1; night <= 90; night += 1) {
    orders = Math.round(orders * (0.99 + draw() * 0.03));
    const tables: Record<string, number> = {
      orders,
      customers: 4000 + night,
      jobs: draw() < 0.5 ? 0 : Math.round(draw() * 20_000),
      import_staging: night % 7 === 0 ? 30_000 : 0,
      sessions: Math.round(draw() * 3000),
      failed_jobs: draw() < 0.8 ? 0 : 5,
    };
    // partitions of the last three tens of nights
    for (let ten = Math.max(0, Math.floor(night / 10) - 2); ten <= Math.floor(night / 10); ten += 1)
      tables[`log_${ten}`] = 8000 + Math.round(draw() * 100);
    if (night === 40) tables['orders'] = orders * 9;
    await made.night({ tables, database: 'shop', identity: 'a-server' });
  }
  expect(
    made.heard
      .filter(({ severity }) => severity !== 'recovered')
      .map(({ night, kind, subject }) => `${night} ${kind} ${subject}`),
  ).toEqual([]);
}, 120_000);

test('a backup dated 2100, one put behind newer ones and a manifest that was replaced count for nothing, and are told', async () => {
  const made = await nights(usual);
  scene = made;
  const ids = [];
  for (let night = 1; night <= 9; night += 1) ids.push((await made.night({ tables: full(night) })).id!);
  const { storeBackup } = await import('../support/vaults/stored.ts');
  const late = await storeBackup(made.vault, 'shop', new Date('2026-03-05T14:00:00Z'), {
    tables: full(5),
    random: 0.1,
  });
  const future = await storeBackup(made.vault, 'shop', new Date('2100-01-01T02:00:00Z'), { tables: full(5) });

  const { kinds, checked, id } = await made.night({ tables: full(10) });

  expect(kinds).toEqual(['unknown', 'unknown']);
  expect(checked.judgements[0]).toMatchObject({
    standing: { newest: id },
    findings: [
      { why: expect.stringContaining(`${late} was not there when newer ones were`) },
      { why: expect.stringContaining(`${future} is dated`) },
    ],
  });
  // seven days and the oldest are kept, as if the two others were not there; and these are left alone
  expect((await made.ids()).filter((one) => one !== late && one !== future)).toEqual([ids[0], ...ids.slice(3), id]);
  expect(await made.ids()).toEqual(expect.arrayContaining([late, future]));
  expect(await made.accept()).toEqual([late, future]);
  expect((await made.night({ tables: full(11) })).kinds).toEqual([]);
  await made.vault.delete(objectKey(`shop/${future}/manifest.json`), limit());
});
