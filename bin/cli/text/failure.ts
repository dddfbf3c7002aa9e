import { isBackupError, ourError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';

/** The exit codes, as --help lists them. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  damaged: 3,
  notFresh: 4,
  incomplete: 5,
  leaseHeld: 11,
  interrupted: 130,
  terminated: 143,
} as const;

const damage: readonly FailureCode[] = [
  'part-corrupt',
  'object-missing',
  'manifest-invalid',
  'manifest-unsigned',
  'backup-plain',
  'proof-failed',
];
const usage: readonly FailureCode[] = ['config-invalid', 'input-invalid'];

/** The exit code for several failures: damage takes precedence, because nobody should miss it. */
export function exitCodeOf(failures: readonly unknown[]): number {
  if (failures.length === 0) return exitCodes.done;
  if (failures.some((failure) => isBackupError(failure, ...damage))) return exitCodes.damaged;
  if (failures.every((failure) => isBackupError(failure, 'not-fresh'))) return exitCodes.notFresh;
  if (failures.every((failure) => isBackupError(failure, 'restore-incomplete'))) return exitCodes.incomplete;
  if (failures.every((failure) => isBackupError(failure, 'lease-held'))) return exitCodes.leaseHeld;
  return failures.every((failure) => isBackupError(failure, ...usage)) ? exitCodes.usage : exitCodes.failed;
}

/**
 * A failure for people, line by line: what happened, and below it what to do. A defect of ours shows its place in the
 * code.
 */
export function failureLines(error: unknown): string[] {
  const { code, lines, hint, cause } = ourError(error);
  const where =
    code === 'internal' && cause instanceof Error
      ? (cause.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
      : [];
  return [
    ...lines.map((line, index) => (index === 0 ? `error: ${line}` : line)),
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
    ...where,
  ];
}

/** A failure for programs. */
export function failureDocument(error: unknown): { code: FailureCode; message: string; hint?: string } {
  const { code, message, hint } = ourError(error);
  return { code, message, ...(hint !== undefined && { hint }) };
}
