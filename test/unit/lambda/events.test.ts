import { describe, expect, test } from '@jest/globals';
import { byTagEventSchema } from '../../../core/contract/events/by-tag.ts';
import {
  copyEventSchema,
  functionEnvironmentSchema,
  readEvent,
  restoreEventSchema,
} from '../../../core/contract/events/requests.ts';
import { isBackupError, messageOf } from '../../../core/domain/errors.ts';

const example = { source: 'shop' };
const twice = 'with replace, write the name of the database again, as in to: what it holds will be gone';

/** What a restore by this event is refused for. */
function refused(event: object): string {
  try {
    readEvent(restoreEventSchema, event, example);
  } catch (error) {
    if (!isBackupError(error, 'input-invalid')) throw error;
    return messageOf(error).split('\n')[0]!;
  }
  return '';
}

describe('a restore by hand', () => {
  test.each<[string, object]>([
    ['a new database', {}],
    ['one table', { tables: ['orders'] }],
    ['definitions alone', { schemaOnly: true }],
    ['rows too, said so, in place of what is there', { schemaOnly: false, replace: true, to: 'shop', confirm: 'shop' }],
    ['as of a time', { at: '2026-11-20T03:00:00Z' }],
    ['as of a time, of the latest', { at: '2026-11-20T03:00:00Z', backup: 'latest' }],
    ['one backup', { backup: '20261120T030000Z-7f3a9c' }],
    ['in place of what is there', { replace: true, to: 'shop', confirm: 'shop' }],
    ['the plan of that, which asks for no word', { replace: true, to: 'shop', plan: true }],
    ['under a word of one’s own', { replace: true, to: 'shop', confirm: 'shop', request: 'INC-7' }],
  ])('%s', (_, event) => {
    expect(refused({ source: 'shop', ...event })).toBe('');
  });

  test.each<[string, object, string]>([
    [
      'a table in the place of a whole database',
      { tables: ['orders'], replace: true, to: 'shop', confirm: 'shop' },
      'tables: replaces no database: leave out replace, and name a new one',
    ],
    [
      'definitions in the place of a whole database',
      { schemaOnly: true, replace: true, to: 'shop', confirm: 'shop' },
      'schemaOnly: replaces no database: leave out replace, and name a new one',
    ],
    [
      'two backups at once',
      { at: '2026-11-20T03:00:00Z', backup: '20261120T030000Z-7f3a9c' },
      'at: says which backup is meant, and so does backup',
    ],
    [
      'a word for what replaces nothing',
      { request: 'INC-7' },
      'request: goes with replace: a restore into a new database can be asked for as often as you like',
    ],
    [
      'a replacement of nothing',
      { replace: true },
      'to: is missing: with replace, name the database that is to be emptied',
    ],
    ['a replacement without the word', { replace: true, to: 'shop' }, `confirm: ${twice}`],
    ['a replacement with the word for another', { replace: true, to: 'shop', confirm: 'stop' }, `confirm: ${twice}`],
    [
      'two things at once',
      { replace: true, tables: ['orders'] },
      'tables: replaces no database: leave out replace, and name a new one; ' +
        'to: is missing: with replace, name the database that is to be emptied',
    ],
    ['a key that there is not', { replase: true }, 'replase: unknown key, did you mean "replace"?'],
    ['two of them', { xyz: 1, b2: 2 }, 'xyz: unknown key; b2: unknown key'],
    ['an empty list', { tables: [] }, 'tables: expected at least one table, got a list'],
  ])('%s is refused', (_, event, said) => {
    expect(refused({ source: 'shop', ...event })).toBe(`the event can't be used: ${said}`);
  });

  test('what is no event at all is refused, with an example of one', () => {
    for (const event of [null, 'shop', []])
      expect(() => readEvent(copyEventSchema, event, example)).toThrow(
        expect.objectContaining({
          message: "the event can't be used: expected the event, a group of keys (source)",
          hint: 'an event looks like {"source":"shop"}',
        }),
      );
  });
});

test('what looks for databases by tag takes no key', () => {
  expect(readEvent(byTagEventSchema, {}, {})).toEqual({});
  expect(() => readEvent(byTagEventSchema, { source: 'shop' }, {})).toThrow(
    "the event can't be used: source: unknown key",
  );
});

test.each([
  ['', []],
  ['nightjar-a', ['nightjar-a']],
  ['nightjar- shop blog', ['nightjar-', 'nightjar-shop', 'nightjar-blog']],
])('groups of schedules, written as "%s"', (written, groups) => {
  expect(functionEnvironmentSchema.parse({ NIGHTJAR_SCHEDULES: written }).NIGHTJAR_SCHEDULES).toEqual(groups);
});

test('a function that is told nothing looks at no schedule, and starts nothing', () => {
  expect(functionEnvironmentSchema.parse({})).toEqual({
    LAMBDA_TASK_ROOT: '/var/task',
    NIGHTJAR_CONFIG: 'nightjar.yaml',
    NIGHTJAR_TOOLS: '/opt',
    NIGHTJAR_SCHEDULES: [],
    NIGHTJAR_ROSTER: 'off',
    NIGHTJAR_STARTS: {},
  });
});
