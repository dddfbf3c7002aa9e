/** The same function, which works out each answer once: for answers that never change, of not too many kinds. */
export function remembered<Given extends readonly unknown[], Answer>(
  work: (...given: Given) => Answer,
): (...given: Given) => Answer {
  const known = new Map<string, { answer: Answer }>();
  return (...given) => {
    const key = JSON.stringify(given);
    const found = known.get(key) ?? { answer: work(...given) };
    known.set(key, found);
    return found.answer;
  };
}
