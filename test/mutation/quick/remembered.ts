import { switches } from './suites.ts';

/** As `core/domain/time/remembered.ts`, but what was worked out under one mutant is not remembered under the next. */
export function remembered<Given extends readonly unknown[], Answer>(
  work: (...given: Given) => Answer,
): (...given: Given) => Answer {
  let known = new Map<string, Answer>();
  let under = switches.activeMutant;
  return (...given) => {
    if (under !== switches.activeMutant) [known, under] = [new Map(), switches.activeMutant];
    const key = JSON.stringify(given);
    if (!known.has(key)) known.set(key, work(...given));
    return known.get(key) as Answer;
  };
}
