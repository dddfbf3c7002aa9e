import { isBackupError } from '../../../core/domain/errors.ts';
import type { Ended } from './every-fault.ts';
import { drawing } from '../random/drawing.ts';
import type { Vault } from '../../../core/vault.ts';
import { interleaved } from '../vaults/interleaver.ts';
import type { Turn } from '../vaults/memory-vault.ts';
import { torn } from '../vaults/oracle.ts';
import type { Verbs } from '../worlds/verbs.ts';
import { acting, again, untruthsIn } from '../worlds/world.ts';
import type { World } from '../worlds/world.ts';

type Party = (verbs: Verbs, world: World) => Promise<unknown>;

/**
 * Lets parties race in copies of a world, in as many orders of their calls as there are seeds, each of which can be run
 * again alone. Names what is not as it must be: at no moment is a listed backup without its parts, and at the end each
 * is true; `judge` adds what else these parties promise each other. `through`: what the vault looks like to each.
 */
export async function race(
  before: World,
  parties: readonly Party[],
  seeds: number,
  judge: (world: World, ends: Ended<unknown>[]) => string[] | Promise<string[]>,
  through: (vault: Vault, world: World, turn: Turn, draw: () => number) => Vault = (vault) => vault,
): Promise<string[]> {
  const problems: string[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const world = again(before);
    const found = new Set<string>();
    const draw = drawing(seed);
    const settled = await interleaved(
      parties.map((party, index) => (turn) => {
        const own = (vault: Vault) => through(vault, world, turn, draw);
        return party(acting(world, { turn, run: `run${index}`, seed: index, through: own }), world);
      }),
      draw,
      () => torn(world.state.objects).forEach((one) => found.add(one)),
    );
    const ends = settled.map((one) =>
      one.status === 'fulfilled' ? { result: one.value } : { error: one.reason as unknown },
    );
    for (const { error } of ends) if (error !== undefined && !isBackupError(error)) found.add(`threw ${String(error)}`);
    for (const one of [...untruthsIn(world), ...(await judge(world, ends))]) found.add(one);
    problems.push(...[...found].map((problem) => `seed ${seed}: ${problem}`));
  }
  return problems;
}

/** The code of what was thrown; undefined where all went well. */
export const codeOf = ({ error }: Ended<unknown>): string | undefined =>
  isBackupError(error) ? error.code : error === undefined ? undefined : 'no error of ours';
