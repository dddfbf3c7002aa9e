import type { Lie } from './postgres-lies.ts';

/** A proof's message shows ten differences, and a lie may make some of them. */
const most = 8;
/** What is gone or more differs in its owner, its grants and its comment, too. */
const manyDifferences = /\b(?:create(?! or replace)|drop|lo_unlink|lo_from_bytea|owner to)\b/i;
/** Whoever makes or moves something whole differs in its owner and grants, too: such a lie is told alone. */
const manifold =
  /\bcreate (?:table|extension)\b|\brename (?:\w+ )?to\b|\bset schema\b|\bcascade\b|\bdatabase :db owner\b/i;

type Wave = { lies: Lie[]; taken: Set<string>; differences: number };

/**
 * Lies that are told to one copy at once: each is of things that no other one of its wave touches, so that what the
 * proof says of it is owed to it alone. `thing` finds what a statement is of; `same` are things that hang together.
 */
export function wavesOf(
  lies: readonly Lie[],
  thing: RegExp,
  same: Readonly<Record<string, string>>,
): [string, Lie[]][] {
  const [together, alone]: [Wave[], Wave[]] = [[], []];
  for (const lie of lies) {
    const [what, sql] = lie;
    const things = [...sql.matchAll(thing)].map(([found]) => same[found] ?? found);
    if (things.length === 0) throw new Error(`${what}: of which thing is it? ${sql}`);
    const weight = manyDifferences.test(sql) ? 2.5 : 1;
    const fits = ({ taken, differences }: Wave) =>
      differences + weight <= most && !things.some((found) => taken.has(found));
    const wave = manifold.test(sql) ? undefined : together.find(fits);
    if (wave === undefined)
      (manifold.test(sql) ? alone : together).push({ lies: [lie], taken: new Set(things), differences: weight });
    else {
      wave.lies.push(lie);
      wave.differences += weight;
      for (const found of things) wave.taken.add(found);
    }
  }
  return [...together, ...alone].map((wave) => [wave.lies.map(([what]) => what).join(' · '), wave.lies]);
}
