/** The server's number of an error. */
export function errorNumber(error: unknown): number {
  return Number((error as { cause?: { errno?: unknown } }).cause?.errno);
}

/** Unknown database, unknown table. */
const unknown = [1049, 1146];

/** Whether what a statement named is not there (any more). */
export function isUnknown(error: unknown): boolean {
  return unknown.includes(errorNumber(error));
}
