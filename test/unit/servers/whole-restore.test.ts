import { expect, test } from '@jest/globals';
import { restoreServer } from '../../../bin/cli/commands/restore/whole.ts';
import { sourceOnServer } from '../../../bin/cli/names.ts';
import type { CommandSession } from '../../../bin/cli/session.ts';
import { exitCodeOf } from '../../../bin/cli/text/failure.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';

const main = 'main' as SourceName;
const flags = { owner: true, proof: true, tablespaces: true } as const;

/** A restore of three databases, which end so; `said` is what a person reads at the end. */
async function restored(
  ends: Record<string, FailureCode | 'stopped' | undefined>,
  { at, since = {} }: { at?: string; since?: Record<string, string> } = {},
) {
  const stop = new AbortController();
  const said: unknown[] = [];
  const nightjar = {
    unlooked: [],
    onServer: () => Object.keys(ends),
    settings: (source: string) => ({ called: source.replace('main.', ''), timeZone: 'UTC', since: since[source] }),
    clock: { now: () => new Date('2026-11-30T12:00:00Z') },
    config: { servers: new Map([[main, { engine: 'sqlite' }]]) },
  };
  const out = { note: () => {}, fail: (error: unknown) => said.push(error) };
  const tried: string[] = [];
  async function restoreOne(source: string) {
    tried.push(source);
    const code = ends[source];
    if (code === 'stopped') stop.abort();
    if (code !== undefined) throw new BackupError(code === 'stopped' ? 'aborted' : code, 'why');
    return { document: {}, failures: [] };
  }
  const session = { nightjar, out } as unknown as CommandSession;
  const { failures } = await restoreServer(
    main,
    'latest',
    { ...flags, ...(at && { at }) },
    session,
    restoreOne,
    stop.signal,
  );
  return { code: exitCodeOf(failures), tried, last: said.at(-1) };
}

test('of all failures of a whole server, a database that came back different decides the exit code', async () => {
  const { code, last } = await restored({
    'main.a': 'target-not-empty',
    'main.b': 'proof-failed',
    'main.c': undefined,
  });

  expect(code).toBe(3);
  expect(last).toMatchObject({
    message: '1 of 3 databases is restored; not restored: main.a, main.b',
    hint: 'mend what is told above, then: nightjar restore main.a --to a, and so for each of them',
  });
});

test('stopped, it begins with none of the others, and says which are left', async () => {
  const { tried, last } = await restored({ 'main.a': 'stopped', 'main.b': undefined, "main.it's": undefined });

  expect(tried).toEqual(['main.a']);
  expect(last).toMatchObject({
    message: "0 of 3 databases are restored; not restored: main.a, main.b, main.it's",
    hint: 'mend what is told above, then: nightjar restore main',
  });
});

test('of one that is whole, nothing more is said', async () => {
  expect(await restored({ 'main.a': undefined, 'main.b': undefined })).toMatchObject({ code: 0, last: undefined });
});

test('one that came after the moment asked for, and has no backup of before, is none that is missing', async () => {
  const ends = { 'main.a': undefined, 'main.old': 'backup-missing', 'main.new': 'backup-missing' } as const;
  const since = { 'main.old': '2026-10-01T02:00:00.000Z', 'main.new': '2026-11-20T02:00:00.000Z' };

  expect(await restored(ends, { at: '2026-11-10 12:00', since })).toMatchObject({
    code: exitCodeOf([new BackupError('backup-missing', 'why')]),
    tried: ['main.a', 'main.old', 'main.new'],
    last: { message: '1 of 2 databases is restored; not restored: main.old' },
  });
  expect((await restored(ends, { since })).last).toMatchObject({
    message: '1 of 3 databases is restored; not restored: main.old, main.new',
  });
});

test('a whole server behind --server is the server of one of its databases', () => {
  const nightjar = {
    onServer: (server: string) => (server === 'two' ? ['two-globals', 'two.blog', 'two.shop'] : ['new-globals']),
    settings: (source: string) => ({ called: source.includes('.') ? source : undefined }),
    config: {
      servers: new Map([
        ['two', {}],
        ['new', {}],
      ]),
    },
  } as unknown as CommandSession['nightjar'];

  expect(sourceOnServer('two', 'one.shop', nightjar)).toBe('two.blog');
  expect(sourceOnServer('two', 'two.shop', nightjar)).toBe('two.shop');
  expect(sourceOnServer('staging', 'one.shop', nightjar)).toBe('staging');
  expect(() => sourceOnServer('new', 'one.shop', nightjar)).toThrow('no database of the server new is known yet');
});
