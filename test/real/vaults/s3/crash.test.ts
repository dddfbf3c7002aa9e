import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectKey } from '../../../../core/domain/keys.ts';
import { keysOf, patterned } from '../../../contract/vault/vault-data.ts';
import type { VaultUnderTest } from '../../../contract/vault/vault-contract.ts';
import { startCeph } from '../../../servers/s3/ceph.ts';
import { serverIdentity } from '../../../servers/identity.ts';
import type { S3Server } from '../../../servers/server.ts';
import { openOn } from './servers.ts';

const MiB = 1024 * 1024;
const signal = new AbortController().signal;

let server: S3Server;
let under: VaultUnderTest;
let again: ChildProcess | undefined;

beforeAll(async () => {
  server = await startCeph();
  under = await openOn(server);
}, 600_000);
afterAll(async () => {
  again?.kill('SIGKILL');
  await under?.close();
});

/** Kills the gateway; what is returned starts it again as it was, on the same port. */
async function killGateway(): Promise<() => Promise<void>> {
  const words = async (file: string): Promise<string[]> =>
    (await readFile(`/proc/${server.pid}/${file}`, 'utf8')).split('\0').filter(Boolean);
  const [[program = '', ...args], environment, cwd] = await Promise.all([
    words('cmdline'),
    words('environ'),
    readlink(`/proc/${server.pid}/cwd`),
  ]);
  const env = Object.fromEntries(
    environment.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  process.kill(server.pid, 'SIGKILL');
  return async () => {
    again = spawn(program, args, { env, cwd, stdio: 'ignore', ...serverIdentity() });
    for (let tries = 0; tries < 100; tries += 1) {
      if (
        await fetch(server.endpoint).then(
          () => true,
          () => false,
        )
      )
        return;
      await sleep(300);
    }
    throw new Error('the gateway did not come back');
  };
}

test('a store killed in the middle of an upload is an error within a limit, and nothing is listed when it is back', async () => {
  const key = objectKey('killed/object');
  let restart: (() => Promise<void>) | undefined;
  async function* body() {
    yield* patterned(20 * MiB, 65_536);
    restart = await killGateway();
    killedAt = performance.now();
    yield* patterned(20 * MiB, 65_536);
  }
  let killedAt = Infinity;

  const outcome = await under.vault.put(key, body(), {}, signal).catch((error: unknown) => error);

  expect(outcome).toMatchObject({
    code: 'vault-unreachable',
    message: expect.stringMatching(/killed\/object: .*could not be removed/),
    hint: expect.any(String),
  });
  expect(performance.now() - killedAt).toBeLessThan(60_000);
  await expect(keysOf(under.vault, '')).rejects.toMatchObject({ code: 'vault-unreachable' });
  await restart!();
  expect(await keysOf(under.vault, '')).toEqual([]);
  await under.vault.put(key, patterned(20 * MiB, 65_536), {}, signal);
  expect(await keysOf(under.vault, '')).toEqual([key]);
}, 120_000);
