export const replace = ['restore', 'shop', '--to', 'shop', '--replace', '--yes'];
export const modes = {
  beside: { args: ['restore', 'shop', '--to', 'shop_copy'], into: 'shop_copy' },
  empty: { args: ['restore', 'shop', '--to', 'shop_empty'], into: 'shop_empty' },
  table: { args: ['restore', 'shop', '--table', 'orders', '--to', 'shop_some'], into: 'shop_some' },
  schema: { args: ['restore', 'shop', '--schema-only', '--to', 'shop_schema'], into: 'shop_schema' },
  // another server, as `restoreHost` is one
  elsewhere: { args: ['restore', 'shop', '--server', 'other', '--to', 'shop_there'], into: 'shop_there' },
  // beside production, replaced each time, and nothing is kept of it
  archive: {
    args: ['restore', 'shop', '--to', 'shop_archive', '--replace', '--drop-old', '--yes'],
    into: 'shop_archive',
  },
  replace: { args: replace, into: 'shop' },
  undo: { args: ['restore', 'shop', '--undo', '--yes'], into: 'shop' },
  drill: { args: ['drill', 'shop'], into: undefined },
} as const;
export type InterruptedMode = keyof typeof modes;
export const interruptedModes = Object.keys(modes) as InterruptedMode[];
/** Us, the program that loads, the server; the vault is gone; we are told to stop, as a deadline does. */
export const interruptions = ['us', 'client', 'server', 'store', 'deadline'] as const;
export type Interruption = (typeof interruptions)[number];
/** After a share of the time that such a run takes. */
export type Cut = { by: Interruption; share: number };
/**
 * One run after the other is cut, each with what the one before it has left; then comes one that is not.
 * `twice`: that one is started two times at once.
 */
export type InterruptedRound = { mode: InterruptedMode; cuts: readonly Cut[]; twice?: boolean };

/** Interruptions of every kind in each mode in turn, at moments that this seed draws, up to eight in a row. */
export function* drawnRounds(seed: number, of: readonly InterruptedMode[]): Generator<InterruptedRound> {
  let state = seed;
  const draw = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const cut = (): Cut => ({
    by: interruptions[Math.floor(draw() * interruptions.length)]!,
    share: 0.3 + 0.75 * draw(),
  });
  for (let index = 0; ; index++) {
    const length = 1 + Math.floor(8 * draw());
    for (const mode of of) yield { mode, cuts: Array.from({ length }, cut), twice: index % 3 === 1 };
  }
}
