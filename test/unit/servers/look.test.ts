import { beforeEach, expect, test } from '@jest/globals';
import { lookAtDatabases } from '../../../core/commands/servers/look.ts';
import type { Message } from '../../../core/contract/events/message.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { ListedDatabase } from '../../../core/domain/servers/databases.ts';
import type { Notifier } from '../../../core/ports.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Store } from '../../../core/store/store.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';

const limit = () => AbortSignal.timeout(20_000);
const main = 'main' as SourceName;
const rules = {
  server: main,
  exclude: [],
  sourceOf: (name: string) => `main.${name}`,
  isName: () => true,
};
let store: Store;
let heard: Message[];
let now: Date;

beforeEach(() => {
  store = openStore(memoryVault(emptyState()));
  [heard, now] = [[], new Date('2026-11-20T02:00:00Z')];
});

const listener: Notifier = { name: 'listener', notify: async (message) => void heard.push(message) };
const deaf: Notifier = {
  name: 'deaf',
  notify: () => Promise.reject(new BackupError('notify-failed', 'nobody answers')),
};

function look(found: (string | ListedDatabase)[], notifiers: Notifier[] = [listener], over: Store = store) {
  const databases = async () => found.map((one) => (typeof one === 'string' ? { name: one } : one));
  return lookAtDatabases(rules, { store: over, clock: { now: () => now }, notifiers, databases }, limit());
}
const untold = async () => (await store.readServer(main, limit()))!.untold.map(({ text }) => text);
const isNew = (name: string) => `database ${name} is backed up as main.${name}`;

test('what a server has is written down, and told from the second look on', async () => {
  expect((await look(['shop'])).failures).toEqual([]);
  expect(heard).toEqual([]);
  now = new Date('2026-11-21T02:00:00Z');

  const { known, news, failures } = await look(['shop', 'blog']);

  expect(known.databases.map(({ name, since }) => [name, since.slice(0, 10)])).toEqual([
    ['blog', '2026-11-21'],
    ['shop', '2026-11-20'],
  ]);
  expect([news, failures]).toEqual([[{ label: 'New', text: isNew('blog') }], []]);
  expect(heard).toMatchObject([
    { kind: 'databases', severity: 'info', at: now.toISOString(), facts: [{ label: 'New', value: isNew('blog') }] },
  ]);
  expect(await untold()).toEqual([]);
  await look(['shop', 'blog']);
  expect(heard).toHaveLength(1);
});

test('a look whose list is lost misses what the backups tell of', async () => {
  const recalled = ['shop', 'blog'].map((name) => ({ name, since: '2026-11-01T02:00:00.000Z' }));
  const databases = async () => [{ name: 'shop' }];
  const deps = { store, clock: { now: () => now }, notifiers: [listener], databases, recalled };

  const { known } = await lookAtDatabases(rules, deps, limit());

  expect(known.databases).toEqual([
    { name: 'blog', since: '2026-11-01T02:00:00.000Z', gone: now.toISOString() },
    { name: 'shop', since: '2026-11-01T02:00:00.000Z' },
  ]);
  expect(heard.map(({ facts }) => facts.map(({ label }) => label))).toEqual([['Gone']]);
});

test('what nobody has heard is told by the next look; what one of two has heard is told', async () => {
  await look(['shop']);

  const { failures } = await look(['shop', 'blog'], [deaf]);
  expect(failures).toMatchObject([{ code: 'notify-failed' }]);
  expect(await untold()).toEqual([isNew('blog')]);

  expect((await look(['shop', 'blog'], [deaf, listener])).failures).toMatchObject([{ code: 'notify-failed' }]);
  expect([heard.length, await untold()]).toEqual([1, []]);
});

test('where nobody is to be told, nothing waits for somebody', async () => {
  await look(['shop']);
  const { news } = await look(['shop', 'blog'], []);

  expect([news.length, await untold()]).toEqual([1, []]);
});

test('what another look has found meanwhile stays to be told', async () => {
  await look(['shop']);
  const slow: Notifier = { name: 'slow', notify: async () => void (await look(['shop', 'blog', 'wiki'], [deaf])) };

  await look(['shop', 'blog'], [slow]);

  expect(await untold()).toEqual([isNew('wiki')]);
});

test('what is known of a server can go while it is told', async () => {
  await look(['shop']);
  let edits = 0;
  const editServer: Store['editServer'] = (server, edit, signal) => {
    edits += 1;
    return edits === 1
      ? store.editServer(server, edit, signal)
      : store.editServer(server, () => edit(undefined), signal);
  };

  await look(['shop', 'blog'], [listener], { ...store, editServer });

  const { databases, untold: left } = (await store.readServer(main, limit()))!;
  expect([databases.map(({ name }) => name), left]).toEqual([['blog', 'shop'], []]);
});

test('a database that nothing backs up fails the look, each in a line, with the words that leave it out', async () => {
  const shut = ['odd one', '2nd', 'a.b-c'].map((name) => ({ name, why: 'is shut\nfor all' }));

  const { known, failures } = await look(['shop', ...shut]);

  expect(known.databases.map(({ name }) => name)).toEqual(['shop']);
  expect(failures).toMatchObject([
    {
      code: 'source-unsupported',
      lines: ['2nd', 'a.b-c', 'odd one'].map(
        (name) => `database ${name} on the server main is not backed up: it is shut\\nfor all`,
      ),
      hint: 'mend that, or leave them out by name: exclude: ["2nd", a.b-c, "odd one"]',
    },
  ]);
});

test('a server that can’t be asked, and a vault that can’t be written, fail the look', async () => {
  const databases = () => Promise.reject(new BackupError('source-unreachable', 'nobody is there'));
  const deps = { store, clock: { now: () => now }, notifiers: [listener], databases };
  await expect(lookAtDatabases(rules, deps, limit())).rejects.toThrow('nobody is there');

  const editServer = () => Promise.reject(new BackupError('vault-unreachable', 'no vault'));
  await expect(look(['shop'], [listener], { ...store, editServer })).rejects.toThrow('no vault');
  expect(heard).toEqual([]);
});
