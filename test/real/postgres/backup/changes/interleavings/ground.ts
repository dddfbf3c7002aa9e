import pg from 'pg';
import { backup } from '../../../../../../core/commands/backup.ts';
import type { Manifest } from '../../../../../../core/contract/manifest/manifest.ts';
import { isBackupError } from '../../../../../../core/domain/errors.ts';
import type { PostgresMajor } from '../../../../../servers/databases/postgres-packages.ts';
import { limit, postgresScene } from '../../../../../support/postgres.ts';
import { stockRestore } from './copy.ts';
import { fingerprint } from './fingerprint.ts';
import type { State } from './fingerprint.ts';
import { gate } from './gate.ts';
import { world } from './world.ts';
import { chronicle, writer } from './writer.ts';
import type { Chronicle, Transaction } from './writer.ts';

/**
 * Transactions of two other sessions, each at one of the messages that a backup sends to the server: 0 is its first
 * one, 1 its last.
 */
export type Script = readonly (Transaction & { at: number; by: 0 | 1 })[];

/** How a backup under a script ended: refused with a code, or what a stock restore of it holds. */
export type Ending =
  | { kind: 'refused'; code: string; message: string }
  | { kind: 'complete'; moment: number; differs: string };

/** Time that a transaction has until the backup goes on beside it. */
const yieldMs = 40;

/** A server with a small database, copied for each case, and a gate before it. */
export async function ground(major: PostgresMajor) {
  const scene = await postgresScene(major, { autovacuum: 'off', jit: 'off' });
  const { server } = scene;
  await scene.sql('postgres', 'create database world');
  await scene.sql('world', world);
  let before: (count: number) => Promise<void> = async () => {};
  const way = await gate(server, (count) => before(count));
  const access = (database: string): pg.ClientConfig => ({
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    database,
  });
  const source = () => scene.source('shop', { login: { port: way.port, lockTimeoutMs: 500 }, sliceBytes: 100_000 });
  let messages = 120;

  async function renew(database: string, template: string): Promise<void> {
    await scene.sql('postgres', `drop database if exists ${database} with (force)`);
    await scene.sql('postgres', `create database ${database} template ${template}`);
  }

  async function copied(manifest: Manifest): Promise<State> {
    await renew('copy', 'template0');
    await stockRestore(manifest, {
      folder: scene.folder,
      tools: scene.tools,
      major,
      login: { ...scene.login('copy'), password: server.password },
    });
    const client = new pg.Client(access('copy'));
    await client.connect();
    return fingerprint(client).finally(() => client.end());
  }

  /** Takes a backup while the script runs beside it, and judges it by what the writer wrote down. */
  async function play(script: Script): Promise<{ ending: Ending; done: string[]; states: number }> {
    await renew('shop', 'world');
    const told = await chronicle(access('shop'));
    const others = [await writer(access('shop'), told), await writer(access('shop'), told)] as const;
    const due = script.toSorted((a, b) => a.at - b.at);
    before = async (count) => {
      while (due[0] !== undefined && count >= due[0].at * messages) {
        const next = due.shift()!;
        told.done.push(`-- at message ${count}, writer ${next.by}`);
        await Promise.race([others[next.by].act(next), new Promise((wake) => setTimeout(wake, yieldMs))]);
      }
    };
    way.begin();
    try {
      const manifest = await backup(source(), scene.deps(), limit()).catch((error: unknown) => error);
      before = async () => {};
      await Promise.all(others.map((one) => one.settled()));
      const { states, done } = told;
      if (isBackupError(manifest))
        return {
          ending: { kind: 'refused', code: manifest.code, message: manifest.message },
          done,
          states: states.length,
        };
      if (manifest instanceof Error) throw manifest;
      return { ending: judged(await copied(manifest as Manifest), told), done, states: states.length };
    } finally {
      await Promise.all(others.map((one) => one.end()));
    }
  }
  return {
    play,
    /** How many messages a backup sends when nobody disturbs it. */
    async measure(): Promise<Ending> {
      const { ending } = await play([]);
      messages = way.count();
      return ending;
    },
    async stop() {
      way.close();
      await scene.stop();
    },
  };
}

/** The moment that a copy is of; where it is of none, what it has otherwise than the nearest one. */
function judged(copy: State, { states, seen }: Chronicle): Ending {
  const found = states
    .map((state) => differences(state.content, copy.content))
    .map((differs, moment) => ({ differs, moment }));
  const nearest = found.toSorted((a, b) => a.differs.length - b.differs.length)[0]!;
  const strange = Object.entries(copy.numbers)
    .filter(([name, value]) => !seen.some((numbers) => numbers[name] === value))
    .map(([name, value]) => `sequence ${name} never was ${value}`);
  return { kind: 'complete', moment: nearest.moment, differs: [...nearest.differs, ...strange].join('\n') };
}

function differences(was: Record<string, string>, is: Record<string, string>): string[] {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return names
    .filter((name) => was[name] !== is[name])
    .map((name) => `${name}: ${was[name] ?? 'absent'} → ${is[name] ?? 'absent'}`);
}
