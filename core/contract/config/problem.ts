/** Where in the document a problem is, and what it is. */
export type ConfigProblem = { path: PropertyKey[]; message: string };

/** A list with this problem, or an empty one if there is no message. */
export function problem(path: ConfigProblem['path'], message: string | undefined): ConfigProblem[] {
  return message === undefined ? [] : [{ path, message }];
}
