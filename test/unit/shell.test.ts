import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { nightjarProgram } from '../../bin/cli/grammar/grammar.ts';
import { completionScript } from '../../bin/cli/shell/completion.ts';
import { manualPage } from '../../bin/cli/shell/manual.ts';
import { nightjarInProcess } from '../support/cli/in-process.ts';

const program = () => nightjarProgram(() => undefined);

/** What bash offers behind these words. */
function offered(...typed: string[]): string {
  const ask = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nightjar; echo "${COMPREPLY[@]}"';
  return execFileSync('bash', ['-c', `${completionScript('bash', program())}\n${ask}`, 'bash', ...typed])
    .toString()
    .trim();
}

test.each([
  [['nightjar', 're'], 'restore remove'],
  [['nightjar', 'restore', 'shop', '--re'], '--replace'],
  [['nightjar', 'key', 's'], 'signing'],
  [['nightjar', 'schedule', 'write', '--dry'], '--dry-run'],
  [['nightjar', 'backup', '--js'], '--json'],
  [['nightjar', 'nonsense', '--js'], '--json'],
])('bash completes %j', (typed, all) => {
  expect(offered(...typed)).toBe(all);
});

test('every command and option is offered, and nothing else', () => {
  const all = program();
  const script = completionScript('fish', all);

  for (const command of all.commands) {
    expect(script).toContain(`-a ${command.name()}\n`);
    for (const { long } of command.options) expect(script).toContain(`-l ${long!.slice(2)}\n`);
  }
});

test('a shell that nobody knows is refused with those that are', async () => {
  expect(await nightjarInProcess(['completion', 'tcsh'], { cwd: '/' })).toMatchObject({
    code: 2,
    stderr: 'error: there is no completion for tcsh\n  hint: bash, zsh, fish\n',
  });
});

test('the manual says what --help says, of every command', async () => {
  const page = manualPage(program(), '1.2.3');
  const plain = page.replaceAll('\\-', '-').replaceAll('\\&', '').replaceAll('\\e', '\\');

  expect(page).toMatch(/^\.TH NIGHTJAR 1 "" "nightjar 1\.2\.3"/);
  for (const verb of ['restore', 'rotate', 'schedule', 'convert'])
    expect(plain).toContain((await nightjarInProcess([verb, '--help'], { cwd: '/' })).stdout.trimEnd());
});
