import { expect, test } from '@jest/globals';
import { newBackupId } from '../../../core/domain/keys.ts';
import type { ObjectKey, SourceName } from '../../../core/domain/keys.ts';
import { fromAnother, turnsOf } from '../../../functions/host/on-server.ts';

type Listed = Parameters<typeof turnsOf>[0][number];
type How = 'good' | 'kills' | 'no login';

const attempts = 3;
const key = 'somewhere' as ObjectKey;

/** A vault's records of databases that end so, and nights on which each attempt has time for so many of them. */
function server(databases: Record<string, How>, room = Number.POSITIVE_INFINITY) {
  const listed = Object.keys(databases).map(
    (name): Listed => ({ source: `main.${name}` as SourceName, starts: [], failures: [], backups: [] }),
  );
  const made: Record<string, number> = {};
  let now = Date.UTC(2026, 10, 1, 2);

  function attempt(run: string): boolean {
    let left = room;
    for (const source of turnsOf(listed, { runOf: (one) => `${run} ${one}` })) {
      const { starts, failures } = listed.find((one) => one.source === source)!;
      const own = `${run} ${source}`;
      if (made[`${own}`] !== undefined) continue;
      if (left === 0) return false;
      left -= 1;
      const at = new Date((now += 1_000));
      const how = databases[source.slice('main.'.length)];
      if (how === 'no login') failures.push({ at, run: own, code: 'source-unreachable', key });
      else starts.push({ id: newBackupId(at, 0), run: own, meant: undefined, key });
      if (how === 'kills') return false;
      if (how === 'good') made[own] = 1;
    }
    return Object.values(databases).every((how) => how === 'good');
  }

  return {
    /** Who has a backup of that night. */
    night(run: string): string[] {
      for (let left = attempts; left > 0 && !attempt(run); left -= 1);
      return Object.keys(made).flatMap((own) => (own.startsWith(`${run} `) ? own.slice(`${run} main.`.length) : []));
    },
  };
}

test('what ends the function night after night takes no other one its turn, however many there are of it', () => {
  const { night } = server({ a: 'kills', b: 'kills', c: 'kills', d: 'kills', e: 'good', f: 'good' });

  expect([night('1'), night('2'), night('3')]).toEqual([[], ['e', 'f'], ['e', 'f']]);
});

test('where time is over each night, another part is left each time', () => {
  const names = [...'abcdefghij'];
  const { night } = server(Object.fromEntries(names.map((name) => [name, 'good'])), 2);

  expect([night('1'), night('2'), night('3')]).toEqual([
    ['a', 'b', 'c', 'd', 'e', 'f'],
    ['g', 'h', 'i', 'j', 'a', 'b'],
    ['c', 'd', 'e', 'f', 'g', 'h'],
  ]);
});

test('one that nobody can log in to is tried again behind the others', () => {
  const { night } = server({ a: 'no login', b: 'good', c: 'good' }, 1);

  expect([night('1'), night('2')]).toEqual([
    ['b', 'c'],
    ['b', 'c'],
  ]);
});

test('where nothing is remembered of an attempt, each is the first one of some day, and none is ever left out', () => {
  for (const count of [1, 2, 3, 5, 12, 60]) {
    const all = Array.from({ length: count }, (_, at) => at);
    const first = new Set<number>();
    // three attempts each day, always at the same times
    for (let day = 1; day <= 200; day += 1)
      for (const minute of [0, 16, 33]) {
        const turns = fromAnother(all, new Date(Date.UTC(2026, 0, day, 5, minute)));
        expect(turns.toSorted((a, b) => a - b)).toEqual(all);
        first.add(turns[0]!);
      }
    expect(first.size).toBe(count);
  }
  expect(fromAnother([], new Date(0))).toEqual([]);
});
