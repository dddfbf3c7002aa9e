import type { Plan } from '../ports.ts';

/**
 * Works on the parts of a plan for as long as it is held. What ends the work is told as whoever holds the plan knows
 * it.
 */
export async function whileHeld<T>(
  plan: Pick<Plan, 'over' | 'explain'>,
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await work(plan.over === undefined ? signal : AbortSignal.any([signal, plan.over]));
  } catch (error) {
    throw plan.explain === undefined ? error : await plan.explain(error, signal);
  }
}
