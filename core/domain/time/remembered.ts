/**
 * The same function, which computes each answer only once; for answers that never change. Remembers at most `most`
 * answers.
 */
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
