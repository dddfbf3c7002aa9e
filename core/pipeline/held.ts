import type { Plan } from '../ports.ts';

/**
 * Works on the parts of a plan while the plan is held. If the work fails, throws the error that the plan's holder
 * explains it by.
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
