import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { programInput, programOutput } from '../../../core/pipeline/program.ts';
import type { ProgramRun } from '../../../core/pipeline/program.ts';
import type { ByteStream } from '../../../core/ports.ts';

const script = fileURLToPath(new URL('../../fixtures/programs/dump.sh', import.meta.url));
const soon = () => AbortSignal.timeout(30_000);

function run(how: string, more: Partial<ProgramRun> & { file?: string } = {}): ProgramRun {
  const { file, ...rest } = more;
  return {
    program: { name: 'pg_dump', version: '18', command: script, args: [] },
    args: [how, ...(file ? [file] : [])],
    idleLimitMs: 20_000,
    ...rest,
  };
}

async function drain(stream: ByteStream): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return bytes;
}

async function* forever(): ByteStream {
  for (;;) yield Buffer.alloc(65_536, 'x');
}

test('a program that succeeds is read to its end', async () => {
  await expect(drain(programOutput(run('whole'), soon()))).resolves.toBeGreaterThan(30_000);
});

test('a program that dies is an error with its last words', async () => {
  const error = await drain(programOutput(run('dies'), soon())).catch((caught: unknown) => caught);

  expect(error).toMatchObject({
    code: 'dump-failed',
    message: 'pg_dump failed with exit status 1: pg_dump: error: connection to server was lost',
  });
});

test('a program that is killed is an error that names the signal', async () => {
  await expect(drain(programOutput(run('killed'), soon()))).rejects.toMatchObject({
    message: 'pg_dump was killed by SIGKILL',
    hint: expect.stringContaining('memory') as unknown,
  });
});

test('a program that hangs is stopped at its limit', async () => {
  await expect(drain(programOutput(run('hangs', { idleLimitMs: 300 }), soon()))).rejects.toThrow(
    'pg_dump did nothing for 0.3 s and was stopped',
  );
});

test('time in which nobody reads is not held against the program', async () => {
  const read = async () => {
    for await (const _ of programOutput(run('whole', { idleLimitMs: 2_000 }), soon()))
      await new Promise((wake) => setTimeout(wake, 2_500));
  };

  await expect(read()).resolves.toBeUndefined();
});

test('a gigabyte on stderr is read and forgotten but for its end', async () => {
  const before = process.memoryUsage().rss;

  const error = await drain(
    programOutput(run('floods-stderr', { idleLimitMs: 170_000 }), AbortSignal.timeout(170_000)),
  ).catch((caught: unknown) => caught as Error);

  expect((error as Error).message).toMatch(/and these were its last words$/);
  expect((error as Error).message.length).toBeLessThan(6000);
  expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
});

test('an abort ends a program, even one that ignores SIGTERM, with the reason of the abort', async () => {
  const stop = new AbortController();
  const reason = new BackupError('deadline', 'time is over');
  setTimeout(() => stop.abort(reason), 200);

  await expect(drain(programOutput(run('ignores-term'), stop.signal))).rejects.toBe(reason);
});

test('a reader that goes away ends the program', async () => {
  for await (const chunk of programOutput(run('hangs'), soon())) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
});

test('a program that is not there says so', async () => {
  const missing = { name: 'pg_dump', version: '18', command: '/nonexistent/pg_dump', args: [] };

  await expect(drain(programOutput(run('whole', { program: missing }), soon()))).rejects.toThrow(
    /pg_dump could not be started: .*ENOENT/,
  );
});

test('secrets are taken out of last words', async () => {
  await expect(
    drain(programOutput(run('says-secret', { secretEnv: async () => ({ PASSWORD: 'hunter2', NONE: '' }) }), soon())),
  ).rejects.toThrow('password *** is wrong');
});

test('a program that is fed takes everything', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  try {
    const file = join(folder, 'taken');
    async function* content(): ByteStream {
      for (let index = 0; index < 100; index += 1) yield Buffer.alloc(100_000, index);
    }

    await programInput(run('takes', { file }), content(), soon());

    expect((await readFile(file)).length).toBe(10_000_000);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a program that stops reading and fails is an error with its last words, not a broken pipe', async () => {
  await expect(programInput(run('reads-half'), forever(), soon())).rejects.toMatchObject({
    code: 'restore-failed',
    message: expect.stringContaining('server closed the connection'),
  });
});

test('a program that reads nothing is stopped at its limit', async () => {
  await expect(programInput(run('never-reads', { idleLimitMs: 300 }), forever(), soon())).rejects.toThrow(
    'did nothing for 0.3 s',
  );
});

test('content that breaks is never ended: the program dies without seeing an end of its input', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  try {
    const program = {
      name: 'psql',
      version: '18',
      command: '/bin/sh',
      args: ['-c', 'cat >/dev/null; echo ended >"$0"'],
    };
    const file = join(folder, 'ended');
    async function* content(): ByteStream {
      yield Buffer.from('BEGIN;');
      await new Promise((wake) => setTimeout(wake, 200));
      throw new BackupError('part-corrupt', 'damaged');
    }

    await expect(programInput({ program, args: [file], idleLimitMs: 5000 }, content(), soon())).rejects.toMatchObject({
      code: 'part-corrupt',
    });

    await new Promise((wake) => setTimeout(wake, 300));
    await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an error is told even when a long statement follows it', async () => {
  const shell = {
    name: 'pg_restore',
    version: '18',
    command: '/bin/sh',
    args: ['-c', `printf 'ERROR:  no such role\\n%s' "$(seq 1 20)" >&2; exit 1`],
  };

  await expect(drain(programOutput(run('', { program: shell }), soon()))).rejects.toThrow(
    'ERROR:  no such role | … | 19 | 20',
  );
});
