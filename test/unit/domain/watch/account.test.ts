import { expect, test } from '@jest/globals';
import type { Alert } from '../../../../core/contract/memory/outbox.ts';
import {
  accountNotice,
  accountSightings,
  accountUnseen,
  plainHost,
  rosterUnseen,
  uncoveredDatabases,
} from '../../../../core/domain/watch/account.ts';
import type { AccountFinding, RdsDatabase } from '../../../../core/domain/watch/account.ts';

const now = new Date('2026-11-20T12:00:00Z');
const ago = (minutes: number) => ({ at: new Date(now.getTime() - minutes * 60_000).toISOString() });

test('what can’t be looked at is told with its error, and with what that takes', () => {
  const finding = accountUnseen('schedules', 'AccessDenied', 'scheduler:ListSchedules');

  expect(finding).toEqual({
    kind: 'account-unseen',
    what: 'schedules',
    subject: "the schedules of the account can't be looked at",
    known: [['Error', 'AccessDenied']],
    hint: 'the role of the check needs scheduler:ListSchedules, and its network a way to that service',
  });
  expect(accountNotice(finding)).toBe("the schedules of the account can't be looked at: AccessDenied");
  expect(accountNotice({ ...finding, known: [['Database', 'x']] })).toBe(finding.subject);
});

test('which databases have the tag is known for two hours', () => {
  expect(rosterUnseen({ roster: ago(120) }, now)).toBeUndefined();
  expect(rosterUnseen({ roster: ago(121) }, now)).toMatchObject({
    kind: 'account-unseen',
    what: 'databases by tag',
    subject: "which databases have the tag isn't known",
    known: [['Error', `somebody looked last at ${ago(121).at}`]],
    hint: 'look at the log of the function by-tag, and at its schedule of that name',
  });
  expect(rosterUnseen({}, now)!.known).toEqual([['Error', 'nobody has looked for them yet']]);
  expect(rosterUnseen({ roster: ago(1), error: { message: 'denied' } }, now)!.known).toEqual([['Error', 'denied']]);
});

const found = (kind: AccountFinding['kind'], what: string): AccountFinding => ({
  kind,
  what,
  subject: '',
  known: [],
  hint: '',
});
const alert = (kind: Alert['kind'], cause?: string): Alert => ({
  kind,
  ...(cause && { cause }),
  since: ago(1).at,
  told: ago(1).at,
});

test('each finding of the account is an alert of its own, and over when it is found no more', () => {
  const look = {
    judged: ['uncovered', 'schedule-missing'] as const,
    found: [found('uncovered', 'instance a'), found('uncovered', 'instance b'), found('account-unseen', 'schedules')],
  };
  const known = [
    alert('uncovered', 'instance b'),
    alert('uncovered', 'instance c'),
    alert('uncovered'),
    alert('schedule-disabled', 'nightly'),
    alert('schedule-missing', 'check'),
  ];

  expect(accountSightings(look, known)).toEqual([
    { cause: 'instance a', judged: ['uncovered'], found: ['uncovered'] },
    { cause: 'instance b', judged: ['uncovered'], found: ['uncovered'] },
    { cause: 'instance c', judged: ['uncovered'], found: [] },
    { cause: 'check', judged: ['schedule-missing'], found: [] },
  ]);
  expect(accountSightings(undefined, known)).toEqual([]);
});

const database = (what: string, addresses: string[], tags: Record<string, string> = {}): RdsDatabase => ({
  what,
  engine: 'postgres',
  addresses,
  tags,
});
const uncovered = (databases: RdsDatabase[], mustCover: string, ...hosts: string[]) =>
  uncoveredDatabases(databases, mustCover, hosts).map(({ what }) => what);

test('a database that no source reaches by any of its names is uncovered, unless its tag says that it needs no backup', () => {
  const all = [
    database('instance a', ['a.rds', 'reader.a.rds']),
    database('instance b', ['b.rds']),
    database('instance c', [], { nightjar: 'ignore' }),
    database('instance d', [], { nightjar: 'yes' }),
  ];

  expect(uncovered(all, 'all', 'db, READER.A.rds. ')).toEqual(['instance b', 'instance d']);
  expect(uncovered(all, 'all')).toEqual(['instance a', 'instance b', 'instance d']);
  expect(uncoveredDatabases([all[1]!, all[3]!], 'all', [])).toMatchObject([
    {
      kind: 'uncovered',
      subject: 'the instance b of RDS (postgres) is in no source: nobody backs it up here',
      known: [['Database', 'instance b at b.rds']],
      hint: 'write a source for it and deploy, or tag it nightjar=ignore',
    },
    { known: [['Database', 'instance d at no address yet']] },
  ]);
});

test('by a tag, those with it have to be covered, or those with this value of it', () => {
  const all = [
    database('prod', [], { stage: 'prod' }),
    database('a=b', [], { stage: 'a=b' }),
    database('empty', [], { stage: '' }),
    database('none', []),
  ];

  expect(uncovered(all, 'tag:stage')).toEqual(['prod', 'a=b', 'empty']);
  expect(uncovered(all, 'tag:stage=prod')).toEqual(['prod']);
  expect(uncovered(all, 'tag:stage=a=b')).toEqual(['a=b']);
  expect(uncovered(all, 'tag:stage=')).toEqual(['empty']);
  expect(uncovered(all, 'tag:toString')).toEqual([]);
  expect([' DB.example.com. ', 'db.example.com'].map(plainHost)).toEqual(Array(2).fill('db.example.com'));
});
