import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../../../bin/cli/run.ts';

export type Place = { folder: string; env: Record<string, string | undefined> };
/** What a person sees, and how it ended. */
export type Seen = { text: string; code: number };

/**
 * An answer for when something is asked; `before`: what the shell does first; `as`: the program that starts us as
 * somebody else; `input`: what is read instead of the keyboard.
 */
export type Keyboard = { asked?: string; answer?: string; before?: string; as?: string; input?: string };

const launcher = fileURLToPath(new URL('../../../../bin/nightjar', import.meta.url));
const limitMs = 60_000;

/**
 * Does a command line in this process: the very code that bin/nightjar runs behind its launcher, with a terminal of
 * that width in place of the process's own. A process of its own would take a second more.
 */
export async function atTerminal(args: readonly string[], columns: number, { folder, env }: Place): Promise<Seen> {
  let text = '';
  const screen = { isTTY: true, columns, write: (words: string) => (text += words) };
  const code = await run(
    [...configured(args, folder)],
    { stdout: screen, stderr: screen, env, cwd: folder },
    AbortSignal.timeout(limitMs),
  );
  return { text: shown(text), code };
}

/**
 * The same by the launcher, in a process at a real terminal (made by script, of util-linux), where somebody types this
 * answer when asked.
 */
export async function atKeyboard(
  args: readonly string[],
  columns: number,
  { asked, answer, before = 'true', as = '', input }: Keyboard,
  { folder, env }: Place,
): Promise<Seen> {
  const line = [process.execPath, launcher, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn(
    'script',
    [
      '-qec',
      `stty cols ${columns}; ${before}; exec ${as} ${line}${input === undefined ? '' : ` <${input}`}`,
      '/dev/null',
    ],
    { cwd: folder, env: { ...env, SHELL: '/bin/sh', TERM: 'dumb' }, timeout: limitMs, killSignal: 'SIGKILL' },
  );
  let text = '';
  let typed = asked === undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (typed || !text.includes(asked!)) return;
    typed = true;
    child.stdin.write(answer!);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { text: shown(text.replaceAll('\r\n', '\n')), code };
}

function configured(args: readonly string[], folder: string): readonly string[] {
  return args.some((arg) => arg === '-c' || arg === '--config') ? args : [...args, '-c', join(folder, 'nightjar.yaml')];
}

/**
 * What is left on the screen: a line that shows progress is erased, and readline's moves of the cursor, which depend on
 * when a key comes, show nothing.
 */
function shown(text: string): string {
  return text
    .replace(/[^\n]*\r\x1b\[2K/g, '')
    .replace(/\r+\n/g, '\n')
    .replace(/\x1b\[[0-9;]*[A-Za-z]|\r|\^[CD]|\x08/g, '')
    .replace(/ +$/gm, '');
}
