/** How a promise ends, as a value. */
export function outcomeOf(
  work: Promise<unknown>,
): Promise<{ failed: false; error?: undefined } | { failed: true; error: unknown }> {
  return work.then(
    () => ({ failed: false as const }),
    (error: unknown) => ({ failed: true as const, error }),
  );
}
