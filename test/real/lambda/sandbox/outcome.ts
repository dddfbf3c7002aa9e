import type { Invocation } from './function.ts';
import type { FunctionError } from './runtime-api.ts';

/** What an invocation has returned; throws with its log when it ended in another way. */
export function valueOf(invocation: Invocation): unknown {
  if (invocation.status === 'returned') return invocation.value;
  throw new Error(told(invocation));
}

/** What an invocation has failed with, as Lambda shows it; throws with its log when it ended in another way. */
export function errorOf(invocation: Invocation): Pick<FunctionError, 'errorType' | 'errorMessage'> {
  if (invocation.status !== 'failed') throw new Error(told(invocation));
  const { errorType, errorMessage } = invocation.error;
  return { errorType, errorMessage };
}

/** The log, each line read. */
export function logOf({ logs }: Invocation): Record<string, unknown>[] {
  return logs.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function told({ logs, ...rest }: Invocation): string {
  return `the invocation ended so: ${JSON.stringify(rest)}\n${logs.join('\n')}`;
}
