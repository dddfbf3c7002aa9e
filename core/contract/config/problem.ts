/** Where in the document a problem is, and what it is. */
export type ConfigProblem = { path: PropertyKey[]; message: string };

/** A problem, where there is a message. */
export function problem(path: ConfigProblem['path'], message: string | undefined): ConfigProblem[] {
  return message === undefined ? [] : [{ path, message }];
}
