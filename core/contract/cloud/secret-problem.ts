/** The form of a secret that functions can read. */
export const asSecret = '{ secret: name or ARN, field: name }';
const remedy = `is of one machine: functions read secrets from AWS Secrets Manager; write ${asSecret}`;

/** Why functions can't read a secret; undefined if they can. */
export function secretProblem(reference: object): string | undefined {
  if ('env' in reference) return `a variable ${remedy}`;
  if ('file' in reference) return `a file ${remedy}`;
  // the name becomes part of the functions' permissions, where * and ? are wildcards (Secrets Manager, CreateSecret)
  return 'secret' in reference &&
    !/^(arn:[\w-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[\w/+=.@!-]+$/.test(String(reference.secret))
    ? 'is no name or ARN of a secret in AWS Secrets Manager'
    : undefined;
}
