/** The same function, which works out each answer once: for answers that never change. It remembers so many at most. */
export function remembered<Given extends readonly unknown[], Answer>(
  work: (...given: Given) => Answer,
  most = Number.POSITIVE_INFINITY,
): (...given: Given) => Answer {
  const known = new Map<string, { answer: Answer }>();
  return (...given) => {
    const key = JSON.stringify(given);
    const found = known.get(key);
    if (found !== undefined) return found.answer;
    if (known.size >= most) known.clear();
    const answer = work(...given);
    known.set(key, { answer });
    return answer;
  };
}
