import type { Message } from '../../../core/contract/events/message.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import type { Notifier } from '../../../core/ports.ts';
import type { Vault } from '../../../core/vault.ts';
import { drawing } from '../random/drawing.ts';
import type { ToyServer } from './toy-engine.ts';
import { listedIn, untruths } from '../vaults/oracle.ts';
import type { Rows } from '../vaults/oracle.ts';
import { copyOf, emptyState, memoryVault } from '../vaults/memory-vault.ts';
import type { MemoryState, Turn } from '../vaults/memory-vault.ts';
import { verbs } from './verbs.ts';
import type { Verbs, VerbsDeps } from './verbs.ts';

/** A vault in memory, a toy server, a clock, and what is true of each backup that the source has had. */
export type World = { state: MemoryState; server: ToyServer; truth: Map<string, Rows>; now: Date; heard: Message[] };

export const hoursMs = 3_600_000;
const firstNight = Date.parse('2026-11-16T02:00:00Z');

/** A world after these nights, each with a backup of these rows. It is eight hours after the last one. */
export async function worldAfter(nights: readonly Rows[]): Promise<World> {
  const world: World = { state: emptyState(), server: new Map(), truth: new Map(), now: new Date(0), heard: [] };
  for (const [index, rows] of nights.entries()) {
    world.now = new Date(firstNight + index * 24 * hoursMs);
    world.server.set('shop', rows);
    const { id } = await acting(world, { run: `night${index}`, seed: index }).backup();
    world.truth.set(id, rows);
  }
  world.now = new Date(world.now.getTime() + 8 * hoursMs);
  return world;
}

/** The same world once more: what is done in one leaves the other as it is. */
export function again({ state, server, truth, now, heard }: World): World {
  return { state: copyOf(state), server: structuredClone(server), truth: new Map(truth), now, heard: [...heard] };
}

export type Acting = Partial<Pick<VerbsDeps, 'run' | 'signal' | 'meter' | 'notifiers'>> & {
  seed?: number;
  turn?: Turn;
  through?: (vault: Vault) => Vault;
};

/** Somebody who works in a world; `through`: what the vault looks like to them. */
export function acting(world: World, { seed = 99, turn, through = (vault) => vault, ...who }: Acting = {}): Verbs {
  const now = () => world.now;
  const vault = through(memoryVault(world.state, { now, ...(turn && { turn }) }));
  return verbs({
    vault,
    server: world.server,
    now,
    run: 'test',
    random: drawing(seed),
    signal: new AbortController().signal,
    notifiers: [listenerOf(world)],
    ...who,
  });
}

export function listenerOf(world: World): Notifier {
  return { name: 'listener', notify: async (message) => void world.heard.push(message) };
}

/** The ids that a world's backups have, oldest first. */
export const idsIn = ({ state }: World): BackupId[] => listedIn(state.objects) as BackupId[];

/** What is not true of the listed backups: those of no known night were made of what the server holds now. */
export const untruthsIn = ({ state, truth, server }: World): string[] =>
  untruths(state.objects, (id) => truth.get(id) ?? server.get('shop'));
