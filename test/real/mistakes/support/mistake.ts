import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { hanging, wrapped } from '../../../../bin/cli/text/text.ts';
import { dbToolsLayer } from '../../../../layers/db-tools/layer.ts';
import { atKeyboard, atTerminal } from './terminal.ts';
import type { Keyboard, Place, Seen } from './terminal.ts';

/** What a mistake happens in: a folder of its own, and the servers of its group. */
export type World<W> = W & {
  folder: string;
  env: Record<string, string | undefined>;
  /** Writes `nightjar.yaml`. */
  configure(text: string): Promise<void>;
  /** Does a command that is no mistake; throws unless it ends with 0. */
  well(...args: string[]): Promise<Seen>;
};

/** One mistake of a person: what they wrote or did, and the command that they typed. */
export type Mistake<W> = {
  /** What they did wrong. */
  name: string;
  /** `nightjar.yaml`; without it, the group's own. */
  config?: string | ((world: World<W>) => string);
  /** What is to be there, or to have happened, before. */
  given?: (world: World<W>) => Promise<unknown>;
  args: readonly string[] | ((world: World<W>) => readonly string[]);
  /** Typed at a real terminal (a pty) of a real process, which takes a second more. */
  keyboard?: Keyboard;
  /** Does what the hint says. The same command must end well then, or the one that it returns. */
  remedy?: (world: World<W>, hint: string) => Promise<readonly string[] | void>;
  /** Undoes it for the next one. */
  after?: (world: World<W>) => Promise<unknown>;
  /** Waits for a limit of ours to be over: begun at once, in a folder of its own. */
  slow?: true;
  /** Whoever has stopped it needs no advice. */
  stopped?: true;
  /** Says things that are longer or shorter elsewhere: compared as it would be wrapped with the usual ones. */
  varies?: true;
  /** A real defect of Nightjar. */
  defect?: true;
  /** What never stands in an answer. */
  secrets?: (world: World<W>) => string[];
};

const columns = 80;
const goldens = join(import.meta.dirname, '../../../golden/mistakes');
const isWriting = process.env['NIGHTJAR_GOLDEN'] === 'write';

/**
 * Makes each mistake of a group for real, and compares exit code and complete text with the golden file of the group.
 * With NIGHTJAR_GOLDEN=write, the file is written.
 */
export function mistakes<W extends { config: string; stop(): Promise<void> }>(
  group: string,
  open: () => Promise<W>,
  table: readonly Mistake<W>[],
): void {
  const told = new Map<string, string>();
  const begun = new Map<string, Promise<Seen>>();
  let golden = new Map<string, string>();
  let world: World<W>;

  beforeAll(async () => {
    golden = sections(await readFile(join(goldens, `${group}.txt`), 'utf8').catch(() => ''));
    const [servers, layer] = [
      await open(),
      await dbToolsLayer(
        process.arch === 'arm64' ? 'arm64' : 'x86_64',
        { rule: 'newer' },
        () => {},
        AbortSignal.timeout(20 * 60_000),
      ),
    ];
    world = await inWorld(servers, layer);
    for (const { name, config = '', args } of table.filter(({ slow }) => slow)) {
      const apart = await inWorld(servers, layer);
      await apart.configure(typeof config === 'string' ? config : config(apart));
      begun.set(
        name,
        atTerminal(argsOf(args, apart), columns, apart).finally(() =>
          rm(apart.folder, { recursive: true, force: true }),
        ),
      );
    }
  }, 20 * 60_000);
  afterAll(async () => {
    await world.stop();
    await rm(world.folder, { recursive: true, force: true });
    if (isWriting)
      await write(
        join(goldens, `${group}.txt`),
        table.map(({ name }) => told.get(name) ?? golden.get(name) ?? ''),
      );
  });

  test.each(table.map((one) => [one.name, one] as const))('%s', async (name, mistake) => {
    const { config = world.config } = mistake;
    await world.configure(typeof config === 'string' ? config : config(world));
    await mistake.given?.(world);
    const args = argsOf(mistake.args, world);
    try {
      const seen = await (begun.get(name) ??
        (mistake.keyboard === undefined
          ? atTerminal(args, columns, world)
          : atKeyboard(args, columns, mistake.keyboard, world)));
      const text = masked(
        `## ${name}\n$ nightjar ${args.join(' ')}\n${seen.text}exit ${seen.code}\n`,
        world.folder,
        mistake.varies,
      );
      told.set(name, text);
      expectReadable(seen, mistake, ['hunter2', ...(mistake.secrets?.(world) ?? [])]);
      if (!isWriting) expect(text).toBe(golden.get(name));
      if (mistake.remedy === undefined) return;
      const instead = await mistake.remedy(world, hintOf(seen.text));
      const again = await atTerminal(instead ?? args, columns, world);
      expect(again.code === 0 ? '' : again.text).toBe('');
    } finally {
      await mistake.after?.(world);
    }
  });
}

function argsOf<W>(args: Mistake<W>['args'], world: World<W>): readonly string[] {
  return typeof args === 'function' ? args(world) : args;
}

/** What holds of every answer, whatever it says. */
function expectReadable(
  { text, code }: Seen,
  { defect, stopped }: Pick<Mistake<never>, 'defect' | 'stopped'>,
  secrets: string[],
): void {
  expect(code).not.toBe(0);
  expect(text).toMatch(/^error: /m);
  if (stopped === undefined) expect(text).toMatch(/^ {2}hint:(?: |$)/m);
  expect(text.includes('defect of Nightjar')).toBe(defect === true);
  for (const secret of secrets) expect(text).not.toContain(secret);
  // a word that is longer than the terminal is wide can't be broken, and a command has a line of its own
  expect(
    text
      .split('\n')
      .filter((line) => line.length > columns && /\S \S/.test(line.replace(/^error: |^ +nightjar .*/, ''))),
  ).toEqual([]);
}

/** The hint, as one line again. */
export function hintOf(text: string): string {
  const [, hint = ''] = /^ {2}hint:(.*(?:\n {8}.*)*)/m.exec(text) ?? [];
  return hint.replaceAll('\n        ', ' ').trim();
}

/** The statements in a hint. */
export function sqlIn(hint: string): string[] {
  return hint.match(/\b(?:GRANT|ALTER|CREATE|DROP|SET GLOBAL|SELECT pg_reload_conf)\b[^;]*;/g) ?? [];
}

async function inWorld<W extends object>(servers: W, layer: string): Promise<World<W>> {
  // paths stand in messages: their length must be the same everywhere
  const folder = await mkdtemp('/tmp/mistakes-');
  await chmod(folder, 0o755);
  const place: Place = { folder, env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NIGHTJAR_TOOLS: layer } };
  return {
    ...servers,
    ...place,
    configure: (text) => writeFile(join(folder, 'nightjar.yaml'), text),
    async well(...args) {
      const seen = await atTerminal(args, columns, place);
      if (seen.code !== 0) throw new Error(`nightjar ${args.join(' ')} ended with ${seen.code}:\n${seen.text}`);
      return seen;
    },
  };
}

/** What differs from run to run, in the same number of letters: lines are broken before. */
function masked(text: string, folder: string, varies = false): string {
  if (varies)
    return masked(text.replace(/\n {4,}(?=\S)/g, ' '), folder)
      .split('\n')
      .flatMap((line) => wrapped(line, columns, '', hanging(line)))
      .join('\n');
  return (
    text
      .replaceAll(folder, '/tmp/mistakes-folder')
      .replace(/\d{8}T\d{6}Z-[0-9a-f]{6}/g, '20260102T030405Z-a1b2c3')
      .replaceAll('EAI_AGAIN', 'ENOTFOUND')
      .replace(/nightjar_new_[0-9a-f]{20}/g, 'nightjar_new_0123456789abcdef0123')
      .replace(/_\d{8}_\d{6}\b/g, '_20260102_030405')
      .replace(/(?<=127\.0\.0\.1:|port |localhost:)\d{5}\b/g, '54321')
      .replace(/\b\d+ (?:s|min) old/g, '0 s old')
      .replace(/run [0-9a-f]{8} on \S+ pid \d+ \(\S+\)/g, 'run 4f2a91c0 on db-1 pid 4711 (1a2b.3c4d.5e6f)')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-01-02T03:04:05.678Z')
      .replace(/pid \d+/g, 'pid 4711')
      // whichever is found first
      .replace(/it can't be decompressed \([^)]*\)/g, 'its SHA-256 is not the one in the manifest')
      .replace(/\b\d\.\d\d kB/g, '1.23 kB')
      .replace(/\b\d\d\.\d kB/g, '12.3 kB')
      .replace(/\b\d\.\d\d MB/g, '1.23 MB')
      .replace(/PostgreSQL 18\.\d+/g, 'PostgreSQL 18.6')
      .replace(/\bin \d+\.\d s/g, 'in 1.0 s')
  );
}

function sections(text: string): Map<string, string> {
  return new Map(
    text.split(/^(?=## )/m).map((section) => [/^## (.*)/.exec(section)?.[1] ?? '', section.replace(/\n\n$/, '\n')]),
  );
}

async function write(path: string, texts: string[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, texts.filter((text) => text !== '').join('\n'));
}
