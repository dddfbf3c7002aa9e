import type { Command } from 'commander';

/** The page for `man nightjar`, made from --help: one section for each command. */
export function manualPage(program: Command, version: string): string {
  const sections = program.commands.flatMap((command) => [
    `.SH ${command.name().toUpperCase()}`,
    '.nf',
    ...helpOf(command),
    '.fi',
  ]);
  return [
    `.TH NIGHTJAR 1 "" "nightjar ${version}" "User Commands"`,
    '.SH NAME',
    `nightjar \\- ${roff(program.description())}`,
    '.SH SYNOPSIS',
    '.nf',
    ...helpOf(program),
    '.fi',
    ...sections,
    '',
  ].join('\n');
}

function helpOf(command: Command): string[] {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text.trimEnd().split('\n').map(roff);
}

/** Escapes a line for roff, where a backslash is special, and so is a dot or apostrophe at the beginning. */
function roff(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
}
