import type { Account } from './account.ts';
import type { Outcome, Proved, Step } from './runner.ts';

const longestSeen = 600;

/** What belongs in docs/aws-record.md: what was assumed of AWS, and what was seen. The account's number is left out. */
export function recordOf(
  { outcomes, left }: Proved,
  steps: readonly Pick<Step, 'name' | 'assumed'>[],
  { account, region }: Pick<Account, 'account' | 'region'>,
): string {
  const without = (text: string): string => text.replaceAll(account, '<account>').replaceAll('|', '\\|');
  const rows = steps.map(({ name, assumed }) => {
    const outcome = outcomes.find((one) => one.step === name);
    return `| ${name} | ${assumed} | ${without(verdictOf(outcome))} | ${outcome?.seconds ?? ''} |`;
  });
  const seen = outcomes.flatMap((one) =>
    one.seen === undefined ? [] : [`- **${one.step}**: \`${without(JSON.stringify(one.seen).slice(0, longestSeen))}\``],
  );
  const still = left.map(({ step, command, why }) => `- ${step}: ${without(why)}: \`${without(command)}\``);
  return [
    '# What AWS does',
    '',
    `Run of \`npm run aws:prove\` in ${region}, begun ${outcomes[0]?.at ?? 'never'}.`,
    '',
    '| step | assumed | seen | seconds |',
    '| --- | --- | --- | --- |',
    ...rows,
    ...(seen.length === 0 ? [] : ['', '## In its own words', '', ...seen]),
    ...(still.length === 0 ? [] : ['', '## Not torn down', '', ...still]),
    '',
  ].join('\n');
}

function verdictOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'not tried';
  if (outcome.error !== undefined) return `**failed**: ${outcome.error.slice(0, longestSeen)}`;
  return outcome.differs.length === 0 ? 'as assumed' : `**differs**: ${outcome.differs.join('; ')}`;
}
