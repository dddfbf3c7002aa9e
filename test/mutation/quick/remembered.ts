import { switches } from './suites.ts';

/** As `core/domain/time/remembered.ts`, but for one test and one mutant: what another has worked out would hide both. */
export function remembered<Given extends readonly unknown[], Answer>(
  work: (...given: Given) => Answer,
): (...given: Given) => Answer {
  let known = new Map<string, Answer>();
  let under = '';
  return (...given) => {
    const now = `${switches.activeMutant} ${switches.currentTestId}`;
    if (under !== now) [known, under] = [new Map(), now];
    const key = JSON.stringify(given);
    if (!known.has(key)) known.set(key, work(...given));
    return known.get(key) as Answer;
  };
}
