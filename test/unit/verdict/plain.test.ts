import { beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import { parseConfig } from '../../../core/config-file.ts';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import { openStore } from '../../../core/store/store.ts';
import { surveyVault } from '../../../core/survey/survey-vault.ts';
import { memoryOf, watchedSources } from '../../../core/survey/watched.ts';
import { choosing, shop } from '../../support/keys/ways.ts';
import { none, policyOf } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';

const { recipient } = await newIdentity();
const noon = new Date('2026-11-20T12:00:00Z');
const engine = toyEngine(new Map([['shop', { orders: ['1', '2'] }]]), 'shop');

/** What a configuration says of the source. */
function settingsWith(...recipients: string[]) {
  const encryption = recipients.length === 0 ? {} : { encryption: { recipients } };
  const source = { postgres: { host: 'db', user: 'u', database: 'shop' }, freshness: '25h', ...encryption };
  return parseConfig(JSON.stringify({ vault: './b', sources: { shop: source } }), 'nightjar.yaml').sources.get(shop)!;
}
const asked = settingsWith(recipient);
const unasked = settingsWith();

let state: MemoryState;
beforeEach(() => {
  state = emptyState();
});
const store = () => openStore(memoryVault(state, { now: () => noon }));
const made = async (...recipients: readonly (readonly string[])[]): Promise<string[]> => {
  const ids: string[] = [];
  for (const [index, to] of recipients.entries()) {
    const clock = { now: () => new Date(Date.UTC(2026, 10, 21 - recipients.length + index, 2)) };
    ids.push(
      (await backup({ ...toySource(engine), recipients: to }, { ...depsOf(memoryVault(state)), clock }, limit())).id,
    );
  }
  return ids;
};
async function checking(settings = asked) {
  const watched = watchedSources([shop], { settings: () => settings, store: store() });
  const { judgements } = await surveyVault(watched, true, { store: store(), at: noon, remember: true }, limit());
  return judgements[0]!;
}
const chosen = (which: string, settings = asked) =>
  choosing(store(), which, memoryOf(settings)).then(
    ({ manifest }) => manifest.id,
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  );

test('a plain backup behind an encrypted one counts for nothing, and a check tells it', async () => {
  const [before, sealed, plain] = await made([], [recipient], []);

  const { state: is, findings, standing } = await checking();

  expect({ is, newest: standing.newest }).toEqual({ is: 'stale', newest: sealed });
  expect(findings).toContainEqual({
    kind: 'damaged',
    backups: [{ id: plain, why: expect.stringMatching(/^it is not encrypted, as backups since .* have to be/) }],
  });
  expect(await chosen('latest')).toBe(sealed);
  for (const which of [plain!, 'newest'])
    expect(await chosen(which)).toMatch(new RegExp(`^backup-plain: the backup ${plain} of shop is not to be trusted`));
  expect(await chosen(before!)).toBe(before);
});

test('backups from before the first encrypted one are as good as ever, and so is each where nobody asks', async () => {
  const ids = await made([], [], []);
  expect((await checking()).state).toBe('fresh');
  for (const id of ids) expect(await chosen(id)).toBe(id);

  state = emptyState();
  const [, , plain] = await made([], [recipient], []);
  expect(await chosen('latest', unasked)).toBe(plain);
  expect((await checking(unasked)).state).toBe('fresh');
});

test('the names of encrypted parts beside plain ones hide nothing, and a plain one beside encrypted ones is told', async () => {
  const [sealed, plain] = await made([recipient], []);
  const parts = [...state.objects].filter(([key]) => key.startsWith(`shop/${sealed}/`) && key.endsWith('.age'));
  for (const [key, object] of parts) state.objects.set(key.replace(sealed!, plain!) as typeof key, object);

  expect(await chosen('latest')).toBe(sealed);
  expect(await chosen(plain!)).toMatch(/^backup-plain/);
});

test('rotation keeps what is encrypted in the place of a plain one, and removes that as any damaged one', async () => {
  const [first, second, plain] = await made([recipient], [recipient], []);
  const policy = { ...policyOf({ ...none, last: 1 }), encryption: asked.encryption };

  const { plan } = await rotate(
    shop,
    policy,
    { dryRun: true, anyShare: true },
    { ...depsOf(memoryVault(state)), store: store(), clock: { now: () => noon } },
    limit(),
  );

  expect(plan.backups.map(({ found, reasons }) => [found.id, reasons.map(({ rule }) => rule)])).toEqual([
    [first, []],
    [second, ['last']],
    [plain, ['damaged']],
  ]);
});

test('with one that is plain and none that is encrypted left, that it is plain is the reason why none is good', async () => {
  const [sealed, plain] = await made([recipient], []);
  for (const key of [...state.objects.keys()])
    if (key.startsWith(`shop/${sealed}/`) && key.endsWith('.sql.zst.age')) state.objects.delete(key);

  expect(await chosen('latest')).toMatch(new RegExp(`^backup-plain: the backup ${plain}`));
});
