import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from '@jest/globals';
import type { Message } from '../../../core/contract/events/message.ts';
import type { WaitingMessage } from '../../../core/contract/memory/outbox.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { emptyOutbox } from '../../../core/domain/watch/outbox.ts';
import type { Outbox } from '../../../core/domain/watch/outbox.ts';
import type { Notifier } from '../../../core/ports.ts';
import { editOutbox, readOutbox, unreadOutbox } from '../../../core/store/memory/outbox.ts';
import type { OutboxEdit, OutboxRead } from '../../../core/store/memory/outbox.ts';
import type { Vault } from '../../../core/vault.ts';
import { signal } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';

// Where an outbox lies and what stands in it is computed and written out here: other versions read the same objects.
const now = new Date('2026-11-20T12:00:00.000Z');
const denied = new BackupError('vault-denied', 'memory: you may not');
const taken = new BackupError('object-exists', 'memory: somebody was quicker');
let state: MemoryState;
let vault: Vault;
beforeEach(() => {
  state = emptyState();
  vault = memoryVault(state);
});

const digest = (text: string) => createHash('sha256').update(`nightjar outbox\n${text}`).digest('hex').slice(0, 24);
const placeOf = (name: string, address: string) => `.outbox/${digest(name)}-${address}.json`;
const named: Notifier = { name: 'slack', notify: async () => undefined };
const at = (address: string): Notifier => ({ ...named, address: async () => address });
const hidden: Notifier = { ...named, address: () => Promise.reject(new Error('no secret')) };
const reading = (notifier: Notifier, on = vault) => readOutbox(on, notifier, signal);

function waitingFor(source: string): WaitingMessage {
  const message: Message = {
    version: 1,
    kind: 'stale',
    severity: 'problem',
    source,
    subject: 'the newest backup is 26 h old',
    facts: [],
    next: [],
    runbook: 'stale',
    at: now.toISOString(),
  };
  const moment = now.toISOString();
  return { severity: 'problem', alert: { source, kind: 'stale', since: moment, told: moment }, message };
}
const holding = (...sources: string[]): Outbox => ({ ...emptyOutbox, waiting: sources.map(waitingFor) });
const put = (key: string, box: object) =>
  vault.putIfAbsent(objectKey(key), Buffer.from(JSON.stringify({ version: 1, ...box })), {}, signal);
const storedAt = (key: string): unknown => JSON.parse(Buffer.from(state.objects.get(objectKey(key))!.body).toString());
const adding =
  (source: string): OutboxEdit =>
  (box) => ({ ...box, waiting: [...box.waiting, waitingFor(source)] });
const editing = (memory: OutboxRead, edit: OutboxEdit, on = vault) => editOutbox(on, memory, edit, [], now);

test.each([
  ['without an address, by its name', named, placeOf('slack', digest('slack'))],
  ['with one, by that', at('https://hooks.example/1'), placeOf('slack', digest('https://hooks.example/1'))],
  ['with one that can’t be read, under its name alone', hidden, placeOf('slack', 'unknown')],
])('a notifier has an outbox of its own: %s', async (_, notifier, key) => {
  expect(await reading(notifier)).toEqual({ key, box: emptyOutbox });
});

test('no address stands in a key', async () => {
  const { key } = await reading(at('https://hooks.example/secret'));

  expect(key).toMatch(/^\.outbox\/[0-9a-f]{24}-[0-9a-f]{24}\.json$/);
});

test('what lies in an outbox is read with the version to write over', async () => {
  const key = placeOf('slack', digest('slack'));
  await put(key, holding('shop'));

  expect(await reading(named)).toEqual({
    key,
    box: holding('shop'),
    version: state.objects.get(objectKey(key))!.version,
  });
});

test('an outbox that can’t be understood is an empty one, which is written over', async () => {
  const key = placeOf('slack', digest('slack'));
  await put(key, { version: 7 });

  const read = await reading(named);

  expect(read).toMatchObject({ key, box: emptyOutbox, version: expect.any(String) });
  expect(await editing(read, adding('shop'))).not.toHaveProperty('error');
  expect(storedAt(key)).toEqual({ version: 1, ...holding('shop') });
});

test('what can’t be understood of an outbox is left out, and the rest of it counts', async () => {
  const { alert, ...message } = waitingFor('shop');
  await put(placeOf('slack', digest('slack')), {
    open: [{ kind: 'of a later version' }, alert, 'text'],
    waiting: [null, { alert, ...message }, { ...message, alert: {} }],
  });

  expect((await reading(named)).box).toEqual({ ...holding('shop'), open: [alert] });
});

test('while the address can’t be read, the outbox that there is alone is meant', async () => {
  const known = placeOf('slack', digest('https://hooks.example/1'));
  await put(known, holding('shop'));
  await put(placeOf('mail', digest('somebody')), holding('crm'));
  expect(await reading(hidden)).toMatchObject({ key: known, box: holding('shop') });

  await put(placeOf('slack', 'unknown'), holding('app'));
  expect(await reading(hidden)).toMatchObject({ key: known });

  await put(placeOf('slack', digest('https://hooks.example/2')), holding());
  expect(await reading(hidden)).toMatchObject({ key: placeOf('slack', 'unknown'), box: holding('app') });
});

test('a new address finds what waits under the old ones of the same name, and no other’s', async () => {
  await put(placeOf('slack', digest('old')), holding('shop'));
  await put(placeOf('slack', 'unknown'), holding('crm'));
  await put(placeOf('mail', digest('old')), holding('app'));

  const { box, version } = await reading(at('new'));

  expect(box.waiting.map(({ alert }) => alert.source).sort()).toEqual(['crm', 'shop']);
  expect({ ...box, waiting: [] }).toEqual(emptyOutbox);
  expect(version).toBeUndefined();
});

test('at most eight other outboxes are read for that', async () => {
  for (let one = 0; one < 10; one += 1) await put(placeOf('slack', digest(`old ${one}`)), holding(`s${one}`));

  expect((await reading(at('new'))).box.waiting).toHaveLength(8);
});

test('an old outbox that goes or can’t be read while it is looked for is no reason to tell nothing', async () => {
  const old = placeOf('slack', digest('old'));
  await put(old, holding('shop'));
  const gone: Vault = {
    ...vault,
    read: (key, stop) => vault.read(key === old ? objectKey('not-there') : key, stop),
  };
  expect(await reading(at('new'), gone)).toEqual({ key: placeOf('slack', digest('new')), box: emptyOutbox });

  const closed: Vault = {
    ...vault,
    read: (key, stop) => (key === old ? Promise.reject(denied) : vault.read(key, stop)),
  };
  expect(await reading(at('new'), closed)).toEqual({ key: placeOf('slack', digest('new')), box: emptyOutbox });
});

test('a fault of ours while looking for old ones is not hidden', async () => {
  await put(placeOf('slack', digest('old')), holding('shop'));
  const bug = new TypeError('not a function');
  const faulty: Vault = {
    ...vault,
    async *list() {
      throw bug;
    },
  };

  expect(await reading(at('new'), faulty)).toMatchObject({ error: bug });
});

test('a vault that can’t be read leaves an outbox that nothing is kept of, and says why', async () => {
  const closed: Vault = { ...vault, read: () => Promise.reject(denied) };

  const read = await reading(named, closed);

  expect(read).toEqual({ key: placeOf('slack', 'unknown'), box: emptyOutbox, error: denied });
  expect(unreadOutbox(named)).toEqual({ key: placeOf('slack', 'unknown'), box: emptyOutbox, error: undefined });
  expect(await editing(read, adding('shop'))).toEqual({ ...read, box: holding('shop') });
  expect(await editing(unreadOutbox(named), adding('shop'))).toMatchObject({ box: holding('shop'), error: undefined });
  expect(state.objects.size).toBe(0);
});

test('an edit is written, and its version can be written over', async () => {
  const first = await editing(await reading(named), adding('shop'));

  const second = await editing(first, adding('crm'));

  expect(second).toEqual({
    key: placeOf('slack', digest('slack')),
    box: holding('shop', 'crm'),
    version: state.objects.get(first.key)!.version,
  });
  expect(storedAt(first.key)).toEqual({ version: 1, ...holding('shop', 'crm') });
});

test('an edit that changes nothing writes nothing', async () => {
  const closed: Vault = { ...vault, putIfAbsent: () => Promise.reject(denied) };
  const read = await reading(named);

  expect(await editing(read, (box) => ({ ...box }), closed)).toBe(read);
});

test('whoever is overtaken edits what the other one has written', async () => {
  const read = await reading(named);
  await editing(read, adding('crm'));

  const edited = await editing(read, adding('shop'));

  expect(edited).not.toHaveProperty('error');
  expect(storedAt(read.key)).toEqual({ version: 1, ...holding('crm', 'shop') });
});

test('an edit that can’t be kept is known all the same, with why, and is tried once', async () => {
  let tries = 0;
  const closed: Vault = {
    ...vault,
    async putIfAbsent() {
      tries += 1;
      throw denied;
    },
  };
  const read = await reading(named);

  expect(await editing(read, adding('shop'), closed)).toEqual({ ...read, box: holding('shop'), error: denied });
  expect(tries).toBe(1);
});

test('what is kept after being overtaken, when the vault then refuses, is what the other one wrote and ours', async () => {
  const read = await reading(named);
  await editing(read, adding('crm'));
  const failures = [taken, denied];
  const losing: Vault = {
    ...vault,
    putIfAbsent: () => Promise.reject(failures[0]),
    putIfUnchanged: () => Promise.reject(denied),
  };

  const edited = await editing(read, adding('shop'), losing);

  expect(edited).toMatchObject({ box: holding('crm', 'shop'), error: denied });
});

test('what was delivered no longer waits, and counts as told', async () => {
  const read = await editing(await reading(named), adding('shop'));

  const told = await editOutbox(vault, read, (box) => box, [{ items: [waitingFor('shop')] }], now);

  expect(told.box).toMatchObject({ waiting: [], open: [{ source: 'shop', kind: 'stale', told: now.toISOString() }] });
  expect(storedAt(read.key)).toEqual({ version: 1, ...told.box });
});
