import { dirname, resolve } from 'node:path';
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { BackupError } from '../../core/domain/errors.ts';
import { naming } from '../../core/domain/messages/commands.ts';
import { exitCodeOf, exitCodes, failureDocument } from './text/failure.ts';
import { openOutput } from './text/output.ts';
import type { CommandOutcome, Output, Screen } from './text/output.ts';
import { harmlessJson } from './text/harmless.ts';
import { nightjarProgram } from './grammar/grammar.ts';
import type { Request } from './grammar/asking.ts';
import { configurationToName, openSession } from './session.ts';

/** What starts a command line: a process, or a test in its place. */
export type Starter = { stdout: Screen; stderr: Screen; env: NodeJS.ProcessEnv; cwd: string };

/** Does what a command line asks for, and returns the exit code. */
export async function run(
  args: readonly string[],
  { stdout, stderr, env, cwd }: Starter,
  signal: AbortSignal,
): Promise<number> {
  const asked = parse(args, stdout, stderr);
  if (typeof asked === 'number') return asked;
  const workingIn = 'alone' in asked ? undefined : asked.vault;
  const named = naming(configurationToName(asked.config, cwd), workingIn);
  const out = openOutput(stdout, stderr, asked.json, named);
  const configuration = resolve(cwd, asked.config);
  let document: object = {};
  const failures: unknown[] = [];
  try {
    const outcome =
      'alone' in asked
        ? await asked.alone({ configuration, folder: dirname(configuration), cwd, out }, signal)
        : await inSession(asked, { out, env, cwd }, signal);
    document = outcome.document;
    failures.push(...outcome.failures);
  } catch (error) {
    failures.push(error);
    document = { error: failureDocument(error) };
    out.fail(error);
  }
  if (asked.json) print({ ok: failures.length === 0, ...document }, stdout, named);
  return exitCodeOf(failures);
}

async function inSession(
  { config, verb, vault, patient = false, work }: Extract<Request, { work: unknown }>,
  host: { out: Output; env: NodeJS.ProcessEnv; cwd: string },
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const session = await openSession(config, { verb, vault, patient }, host, signal);
  try {
    return await work(session, signal);
  } finally {
    session.nightjar.close();
  }
}

/** What is asked for; the exit code if it is already answered: help, the version, a mistake. */
function parse(args: readonly string[], stdout: Screen, stderr: Screen): Request | number {
  let asked: Request | undefined;
  const json = args.includes('--json');
  const program = nightjarProgram((found) => (asked = found));
  const quiet = {
    writeOut: (text: string) => void stdout.write(text),
    writeErr: () => undefined,
    outputError: () => undefined,
  };
  for (const command of everyCommand(program)) command.configureOutput(quiet);
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitCodes.done;
    const failure = usageError(
      error,
      args,
      program.commands.map((command) => command.name()),
    );
    openOutput(stdout, stderr, json).fail(failure);
    if (json) print({ ok: false, error: failureDocument(failure) }, stdout);
    return exitCodes.usage;
  }
  return asked ?? exitCodes.usage;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function usageError(error: CommanderError, args: readonly string[], commands: readonly string[]): BackupError {
  if (args.length === 0 || error.code === 'commander.help')
    return new BackupError('input-invalid', 'no command was given', { hint: 'nightjar --help shows them all' });
  const [message = '', meant] = error.message.replace(/^error: /, '').split('\n');
  const command = args.find((arg) => commands.includes(arg));
  return new BackupError('input-invalid', message, {
    hint: meant?.replace(/^\((.*)\)$/, '$1') ?? `nightjar ${command === undefined ? '' : `${command} `}--help`,
  });
}

function print(document: object, stdout: Screen, named = naming(undefined)): void {
  const hinting = (key: string, value: unknown) => (key === 'hint' && typeof value === 'string' ? named(value) : value);
  stdout.write(`${harmlessJson(JSON.parse(JSON.stringify(document, hinting)) as object)}\n`);
}
