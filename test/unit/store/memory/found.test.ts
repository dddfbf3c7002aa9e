import { beforeEach, expect, test } from '@jest/globals';
import type { Roster } from '../../../../core/contract/memory/roster.ts';
import type { ServerDatabases } from '../../../../core/contract/memory/servers.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { serverKey } from '../../../../core/domain/layout/places.ts';
import { readRoster, writeRoster } from '../../../../core/store/memory/roster.ts';
import { editServer, readServer } from '../../../../core/store/memory/servers.ts';
import type { Vault } from '../../../../core/vault.ts';
import { signal } from '../../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';

// what the vault knows of sources that stand in no file
const main = 'main' as SourceName;
const rosterKey = objectKey('roster.json');
let vault: Vault;
beforeEach(() => void (vault = memoryVault(emptyState())));
const failing = (call: 'read' | 'putIfAbsent', error: Error): Vault => ({
  ...vault,
  [call]: () => Promise.reject(error),
});
const put = (key: ReturnType<typeof objectKey>, text: string) => vault.putIfAbsent(key, Buffer.from(text), {}, signal);
const known: ServerDatabases = { version: 1, name: main, at: '2026-11-20T02:00:00.000Z', databases: [], untold: [] };
const away = new BackupError('vault-unreachable', 'no backups yet');
const denied = new BackupError('vault-denied', 'you may not');

test.each(['{}', '[1]'])('a list of a server that reads %s is told, with what to do', async (text) => {
  await put(serverKey(main), text);
  const error = {
    code: 'vault-failed',
    message: `memory/${serverKey(main)} can't be understood`,
    hint:
      'it lists the databases of a whole server: take an older version of the object, or let it be written anew by ' +
      'deleting it, and run: nightjar backup',
  };

  await expect(readServer(vault, main, signal)).rejects.toMatchObject(error);
  await expect(editServer(vault, main, () => known, signal)).rejects.toMatchObject(error);
});

test.each(['', 'torn', '[1'])(
  'a list of a server that is cut or garbled (%p) is lost, and is written anew',
  async (text) => {
    await put(serverKey(main), text);
    const before: unknown[] = [];

    expect(await readServer(vault, main, signal)).toBeUndefined();
    await editServer(vault, main, (was) => (before.push(was), known), signal);

    expect(before).toEqual([undefined]);
    expect(await readServer(vault, main, signal)).toEqual(known);
  },
);

test('the first look at a server is written into a folder that is no vault yet, and nothing else is passed over', async () => {
  const before: unknown[] = [];
  const edit = (was: unknown) => (before.push(was), known);

  expect(await editServer(failing('read', away), main, edit, signal)).toBe(known);
  expect(before).toEqual([undefined]);
  await expect(readServer(failing('read', away), main, signal)).rejects.toBe(away);
  await expect(editServer(failing('read', denied), main, edit, signal)).rejects.toBe(denied);
  await expect(readServer(failing('read', denied), main, signal)).rejects.toBe(denied);
});

test('what is known of a server takes the place of what was', async () => {
  await editServer(vault, main, () => known, signal);
  const later = { ...known, at: '2026-11-21T02:00:00.000Z' };

  await editServer(vault, main, (before) => ({ ...before!, at: later.at }), signal);

  expect(await readServer(vault, main, signal)).toEqual(later);
});

test('a roster is none where nobody has looked, and what reads otherwise is told, with what to do', async () => {
  expect(await readRoster(vault, signal)).toEqual({ roster: undefined, version: undefined });
  await put(rosterKey, '{"sources":1}');

  await expect(readRoster(vault, signal)).rejects.toMatchObject({
    code: 'vault-failed',
    message: "memory/roster.json can't be understood",
    hint: 'it lists the databases found by their tag: take an older version of the object, or let it be written anew by deleting it',
  });
  await expect(readRoster(failing('read', denied), signal)).rejects.toBe(denied);
});

test('a roster that is none is written by nobody', async () => {
  await expect(writeRoster(vault, {} as Roster, { version: undefined }, signal)).rejects.toThrow();
  expect(await readRoster(vault, signal)).toEqual({ roster: undefined, version: undefined });
});
