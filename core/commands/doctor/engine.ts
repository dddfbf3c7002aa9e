import { formatBytes, plural } from '../../domain/units.ts';
import type { Clock, Engine, Examination, Observed } from '../../ports.ts';

/** The engine's own examinations, and then whether a backup could begin. */
export function engineExaminations(engine: Engine, clock: Clock): Examination[] {
  const own = engine.examinations?.(clock) ?? [];
  return [
    ...own,
    { what: 'backup', needs: own.map(({ what }) => what), look: (signal) => observedPlan(engine, signal) },
  ];
}

/** Plans a backup as a run does, and closes the plan. */
async function observedPlan(engine: Engine, signal: AbortSignal): Promise<Observed[]> {
  const plan = await engine.plan({}, signal);
  try {
    const bytes = plan.parts.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0);
    const said = `could begin: ${plural(plan.parts.length, 'part')}, about ${formatBytes(bytes)} before compression`;
    return [{ outcome: 'fine', said }, ...plan.warnings.map((one): Observed => ({ outcome: 'warning', said: one }))];
  } finally {
    await plan.close();
  }
}
