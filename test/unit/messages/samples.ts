import type { Message } from '../../../core/contract/events/message.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { digestMessage } from '../../../core/domain/messages/digest.ts';
import type { Judgement } from '../../../core/domain/watch/freshness.ts';
import { accountFound, accountOver } from '../../../core/domain/messages/findings/account.ts';
import { byTagChanged } from '../../../core/domain/messages/findings/by-tag.ts';
import { databasesChanged } from '../../../core/domain/messages/findings/databases.ts';
import { accountUnseen, uncoveredDatabases } from '../../../core/domain/watch/account.ts';
import type { AccountFinding } from '../../../core/domain/watch/account.ts';
import { damaged, gone, otherDatabase, shrunk } from '../../../core/domain/messages/findings/content.ts';
import { copyBehind, copyUnknown } from '../../../core/domain/messages/findings/copies.ts';
import { leaseStuck, missed, never, overdueDrill, stale } from '../../../core/domain/messages/findings/missing.ts';
import { over, recovered } from '../../../core/domain/messages/findings/over.ts';
import { unknown } from '../../../core/domain/messages/findings/unreadable.ts';
import { paused, toolsOutdated, unconfigured, unconfirmed } from '../../../core/domain/messages/findings/upkeep.ts';
import type { SourceStanding } from '../../../core/domain/messages/findings/standing.ts';
import { toolsNotices } from '../../../core/domain/tools/notices.ts';
import type { WaitingMessage } from '../../../core/contract/memory/outbox.ts';
import { messagesOf } from '../../../core/domain/messages/groups.ts';
import { hookFailed, notifierFailed, runEnded, runFailed, testMessage } from '../../../core/domain/messages/run.ts';

const at = new Date('2026-11-21T04:03:20Z');
const since = new Date('2026-11-20T04:03:10Z');
const source = 'shop' as SourceName;
const place = 's3://acme-backups/prod';
const standing: SourceStanding = {
  source,
  place,
  limitMs: 25 * 3_600_000,
  newest: '20261120T020000Z-7f3a9c' as BackupId,
  proven: '20261115T020000Z-19bb02' as BackupId,
  failures: 3,
  lastFailure: 'source-unreachable, 2026-11-21 03:00 UTC',
  count: 24,
};
const good: SourceStanding = {
  ...standing,
  newest: '20261121T020000Z-0c11d8' as BackupId,
  failures: 0,
  lastFailure: undefined,
  count: 25,
};
const run = { source, run: '4f2a91c0', place, ms: 12_345 };
const left = { newest: standing.newest, count: standing.count };
const refused = new BackupError(
  'source-unreachable',
  "can't connect to postgres://backup@db.internal:5432/shop: connect ECONNREFUSED 10.0.3.7:5432",
  { hint: 'is the server up, and does its security group let the function in?' },
);

const day = 24 * 3_600_000;
const berlin: SourceStanding = { ...standing, timeZone: 'Europe/Berlin' };
const full = '20261120T020000Z-7f3a9c' as BackupId;
const item = (
  severity: WaitingMessage['severity'],
  name: string,
  kind: Message['kind'],
  on = 'db-1',
  cause?: string,
): WaitingMessage => {
  const message = {
    ...stale({ ...standing, source: name as SourceName }, { at }),
    kind,
    subject:
      cause === undefined
        ? 'the newest backup is 26 h 3 min old, over the limit of 25 h'
        : `the backup failed: ${cause}`,
  };
  return {
    severity,
    alert: {
      source: name,
      kind,
      ...(cause !== undefined && { cause }),
      since: since.toISOString(),
      told: since.toISOString(),
    },
    on,
    message: severity === 'recovered' ? recovered(good, { was: kind, since }, at) : message,
  };
};
const several = (count: number, make: (name: string, index: number) => WaitingMessage): WaitingMessage[] =>
  Array.from({ length: count }, (_, index) => make(`shop-${String(index + 1).padStart(2, '0')}`, index));
const grouped = (items: WaitingMessage[]): Message => messagesOf(items, at)[0]!.message;

/** A message of each kind, and of each way to tell it. Each has golden files in test/golden/messages. */
const disabled: AccountFinding = {
  kind: 'schedule-disabled',
  what: 'Nightjar/rotate-shop',
  subject: 'the schedule rotate-shop is switched off: nothing starts what it is for',
  known: [['Schedule', 'Nightjar/rotate-shop']],
  hint: 'switch it on in EventBridge Scheduler; a source that is to rest is paused in the configuration instead',
};
const deleted: AccountFinding = {
  kind: 'schedule-missing',
  what: 'backup-shop',
  subject: 'the schedule backup-shop is not there: nothing starts what it is for',
  known: [['Schedule', 'backup-shop']],
  hint: 'somebody has deleted it: docs/runbook.md tells how to have it made again',
};
const uncovered = (what: string): AccountFinding => {
  const address = `${what.split(' ')[1]}.c1x2y3.eu-west-1.rds.amazonaws.com`;
  return uncoveredDatabases([{ what, engine: 'postgres', addresses: [address], tags: {} }], 'all', [])[0]!;
};

const unseen = accountUnseen(
  'databases of RDS',
  'rds answered 403: AccessDenied: the role is not authorized to perform rds:DescribeDBInstances',
  'rds:DescribeDBInstances and rds:DescribeDBClusters',
);

const judged = (
  name: string,
  state: Judgement['state'],
  more: Partial<SourceStanding> = {},
  copies?: Judgement['copies'],
): Judgement => ({
  standing: { ...good, source: name as SourceName, storedBytes: 11_234_000_000, ...more },
  state,
  findings: [],
  ...(copies && { copies }),
});
const digested: Parameters<typeof digestMessage>[0] = {
  at,
  place,
  judgements: [
    judged('shop', 'fresh', { proven: good.newest, drillEveryMs: 8 * day }, [{ vault: 'offsite', state: 'fresh' }]),
    judged('blog', 'stale', { drillEveryMs: 8 * day }, [{ vault: 'offsite', state: 'behind' }]),
    judged('ledger', 'never', { newest: undefined, proven: undefined, count: 0, storedBytes: 0 }),
    judged('archive', 'paused'),
  ],
  unconfigured: [{ source: 'old-shop' as SourceName, newest: good.newest!, count: 12 }],
  account: {
    judged: ['schedule-disabled', 'schedule-missing', 'uncovered'],
    found: [disabled, deleted, uncovered('instance forgotten'), uncovered('cluster trial')],
  },
};

/** All of them, made now. */
export const makeSamples = (): Record<string, Message> => ({
  stale: stale(standing, { at }),
  'stale-reminder': stale({ ...standing, newest: '20261119T020000Z-7f3a9c' as BackupId, failures: 26 }, { at, since }),
  missed: missed(standing, [{ at: new Date('2026-11-21T02:00:00Z'), outcome: 'missed' }], { at }),
  'missed-several': missed(
    { ...standing, newest: '20261118T020000Z-7f3a9c' as BackupId },
    [
      { at: new Date('2026-11-19T02:00:00Z'), outcome: 'missed' },
      { at: new Date('2026-11-20T02:00:00Z'), outcome: 'failed', code: 'vault-full' },
      { at: new Date('2026-11-21T02:00:00Z'), outcome: 'killed' },
    ],
    { at, since },
  ),
  'recovered-missed': recovered(good, { was: 'missed', since }, at),
  'lease-stuck': leaseStuck(
    standing,
    'it holds until 2099-01-01T00:00:00.000Z, 26,340 d ahead, and no run holds one for so long: a clock was wrong',
    { at },
  ),
  never: never({ ...standing, newest: undefined, proven: undefined, count: 0 }, { at }),
  'unknown-vault': unknown(
    {
      place,
      why: "the bucket can't be reached: getaddrinfo EAI_AGAIN s3.eu-west-1.amazonaws.com (vault-unreachable)",
      hint: 'is there a route to S3 (a gateway endpoint or NAT)?',
    },
    { at },
  ),
  'unknown-vault-copied': unknown(
    { place, why: 'list s3://acme-backups/prod: access denied (vault-denied)', copies: ['offsite', 'nas'] },
    { at },
  ),
  'unknown-source': unknown({ source, place, why: 'access denied to shop/ (vault-denied)' }, { at }),
  'copy-behind': copyBehind(
    berlin,
    [{ vault: 'offsite', newest: '20261118T020000Z-8e11d0' as BackupId, limitMs: 26 * 3_600_000 }],
    { at },
  ),
  'copy-behind-two': copyBehind(
    standing,
    [
      { vault: 'offsite', newest: '20261118T020000Z-8e11d0' as BackupId, limitMs: 26 * 3_600_000 },
      { vault: 'nas', newest: undefined, limitMs: 25 * 3_600_000 },
    ],
    { at, since },
  ),
  'copy-unknown': copyUnknown(
    'offsite',
    {
      why: 'list s3://acme-offsite/backups: connect ETIMEDOUT 203.0.113.9:443 (vault-unreachable)',
      hint: 'is the endpoint right, and the network up?',
    },
    { at },
  ),
  'overdue-drill': overdueDrill(standing, 5 * 24 * 3_600_000, { at }),
  'overdue-drill-never': overdueDrill({ ...standing, proven: undefined }, 7 * 24 * 3_600_000, { at }),
  'shrunk-rows': shrunk(good, { what: 'rows', now: 1_204, before: 1_840_332 }, { at }),
  'shrunk-table': shrunk(
    { ...good, full: standing.newest },
    { what: 'table', table: 'public.customers', more: 2, now: 0, before: 48_210 },
    { at },
  ),
  damaged: damaged(
    standing,
    [{ id: '20261121T020000Z-0c11d8' as BackupId, why: 'its part data/0003.sql.zst is gone' }],
    { at },
  ),
  'damaged-several': damaged(
    standing,
    Array.from({ length: 7 }, (_, day) => ({
      id: `2026111${day}T020000Z-0c11d8` as BackupId,
      why: 'its drill of 2026-11-20 04:00 UTC failed',
    })),
    { at },
  ),
  gone: gone(
    standing,
    {
      count: 29,
      of: 30,
      ids: Array.from({ length: 29 }, (_, day) => `202611${String(day + 1).padStart(2, '0')}T020000Z-7f3a9c`),
    },
    { at },
  ),
  'other-database': otherDatabase(
    { ...good, full: standing.newest },
    { what: 'database', now: 'shop_test', before: 'shop' },
    { at },
  ),
  'shrunk-bytes': shrunk(good, { what: 'bytes', now: 12_000, before: 3_200_000_000 }, { at }),
  'shrunk-full': shrunk(
    { ...good, full, timeZone: 'Europe/Berlin' },
    { what: 'rows', now: 1_204, before: 1_840_332 },
    { at },
  ),
  'stale-berlin': stale(
    { ...berlin, lastFailure: 'source-unreachable, 2026-11-21 04:00 Europe/Berlin, 03:00 UTC' },
    { at, since },
  ),
  'group-stale': grouped(several(40, (name) => item('problem', name, 'stale'))),
  'group-few': grouped(
    several(5, (name, index) => item(index === 0 ? 'problem' : 'reminder', name, 'stale', `db-${index % 2}`)),
  ),
  'group-failed': grouped(
    several(12, (name, index) =>
      item('problem', name, 'backup-failed', 'db-1', index < 10 ? 'source-unreachable' : 'vault-full'),
    ),
  ),
  'group-mixed': messagesOf(
    [
      ...several(40, (name) => item('problem', name, 'stale')),
      ...several(3, (name) => item('problem', name, 'shrunk')),
      ...several(2, (name) => item('problem', name, 'never')),
    ],
    at,
  )[0]!.message,
  'group-over': grouped(several(40, (name) => item('recovered', name, 'stale'))),
  paused: paused(standing, { at }),
  unconfigured: unconfigured(standing, { at }),
  'tools-outdated': toolsOutdated(
    toolsNotices(
      {
        pinnedAt: new Date('2026-06-01'),
        fixes: [{ name: 'libpq5', pinned: '17.9-0+deb13u1', fixed: '17.10-0+deb13u1' }],
        authorities: [],
      },
      [{ source, region: 'il-central-1' }],
      at,
    ),
    { at },
  ),
  unconfirmed: unconfirmed(
    [
      {
        text:
          'sns arn:aws:sns:eu-west-1:123456789012:nightjar-alerts: nothing reaches ops@acme.example: the ' +
          'subscription was never confirmed',
        hint: 'whoever it is for opens the mail “AWS Notification - Subscription Confirmation” and confirms',
      },
    ],
    { at },
  ),
  digest: digestMessage(digested, { dollarsPerGb: 0.023, monthly: 20.888 }),
  'digest-well': digestMessage({ ...digested, judgements: digested.judgements.slice(0, 1), account: undefined }),
  'digest-well-but': digestMessage({
    ...digested,
    judgements: digested.judgements.slice(0, 1),
    further: [{ name: 'offsite', unread: { why: "the bucket can't be reached (vault-unreachable)" } }],
    account: { judged: ['account-unseen', 'schedule-disabled'], found: [disabled, unseen] },
  }),
  'account-unseen': accountFound(unseen, { at }),
  'recovered-account-unseen': over(accountOver(unseen.kind, unseen.what), { was: unseen.kind, since }, at),
  'schedule-disabled': accountFound(disabled, { at }),
  'schedule-missing': accountFound(deleted, { at }),
  'recovered-schedule-missing': over(accountOver(deleted.kind, deleted.what), { was: deleted.kind, since }, at),
  uncovered: accountFound(uncovered('instance forgotten'), { at }),
  'group-uncovered': grouped(
    ['instance forgotten', 'cluster ledger', 'instance blog', 'instance trial'].map((what) => ({
      severity: 'problem',
      alert: { kind: 'uncovered', cause: what, since: at.toISOString(), told: at.toISOString() },
      message: accountFound(uncovered(what), { at }),
    })),
  ),
  'recovered-stale': recovered(good, { was: 'stale', since }, at),
  'recovered-never': recovered({ ...good, count: 1 }, { was: 'never', since }, at),
  'recovered-drill-unasked': recovered(good, { was: 'overdue-drill', since }, at),
  'recovered-shrunk-unasked': recovered(
    { ...good, shrink: { rows: 0, bytes: 0, since: undefined } },
    { was: 'shrunk', since },
    at,
  ),
  'recovered-shrunk-since': recovered(
    { ...good, shrink: { rows: 50, bytes: 50, since: '2026-11-21' } },
    { was: 'shrunk', since },
    at,
  ),
  'recovered-backup-failed': runEnded(
    { kind: 'backup-failed', source },
    [{ kind: 'backup-failed', source, cause: 'vault-full', since: since.toISOString(), told: since.toISOString() }],
    at,
  ),
  'recovered-copy': recovered(good, { was: 'copy-behind', since, vault: 'offsite' }, at),
  'recovered-drill': recovered(
    { ...good, proven: good.newest, drillEveryMs: 5 * day },
    { was: 'overdue-drill', since },
    at,
  ),
  'recovered-vault': over('the vault can be read again', { was: 'unknown', since }, at),
  'backup-failed': runFailed({ ...run, verb: 'backup', left }, refused, { at }),
  'backup-failed-first': runFailed({ ...run, verb: 'backup', left: { newest: undefined, count: 0 } }, refused, { at }),
  'restore-failed': runFailed(
    { ...run, verb: 'restore', left },
    new BackupError(
      'proof-failed',
      'shop_20261120_020000 is not equal to the backup: public.orders has 999 rows instead of 1,000',
    ),
    { at },
  ),
  'verify-failed': runFailed(
    { ...run, verb: 'verify', left },
    new BackupError(
      'part-corrupt',
      'data/0001.sql.zst of shop 20261120T020000Z-7f3a9c is damaged: its SHA-256 is another',
    ),
    { at },
  ),
  'rotation-failed': runFailed(
    { ...run, verb: 'rotation', left },
    new BackupError('vault-denied', 'the vault refuses to delete shop/20250101T020000Z-aaaaaa/manifest.json', {
      hint: 'the role needs s3:DeleteObject',
    }),
    { at },
  ),
  'drill-failed': runFailed(
    { ...run, verb: 'drill', left },
    new BackupError('restore-failed', 'pg_restore failed with exit status 1'),
    { at },
  ),
  'copy-failed': runFailed(
    { ...run, verb: 'copy', left },
    new BackupError('vault-unreachable', 'list s3://offsite/prod/shop: connect ETIMEDOUT 203.0.113.9:443'),
    { at },
  ),
  'check-failed': runFailed(
    { ...run, source: undefined, verb: 'check' },
    new BackupError('notify-failed', 'slack answered 404: no_service (not tried again)'),
    { at },
  ),
  'discovery-failed': runFailed(
    { ...run, source: undefined, verb: 'discovery' },
    new BackupError('internal', 'rds answered 403: AccessDenied: not authorized to perform rds:DescribeDBInstances'),
    { at },
  ),
  'by-tag-new': byTagChanged([{ label: 'New', text: 'instance shop is the source rds.shop, at 30 2 * * *' }], at),
  'by-tag-gone': byTagChanged(
    [
      { label: 'New', text: 'cluster ledger is the source rds.cluster.ledger, at 0 * * * *' },
      {
        label: 'Gone',
        text: 'instance blog: it has lost its tag nightjar; rds.blog is backed up no more, and missed',
      },
      { label: 'Trouble', text: 'instance trial has no IAM database authentication: switch it on' },
    ],
    at,
  ),
  databases: databasesChanged(
    {
      name: 'main',
      untold: [
        { label: 'New', text: 'database fresh is backed up as main.fresh' },
        { label: 'Gone', text: 'database wiki: main.wiki is backed up no more, and missed; its backups stay' },
      ],
    },
    at,
  ),
  'notifier-failed': notifierFailed(
    [
      { name: 'slack', why: 'slack answered 404: no_service (not tried again)' },
      { name: 'telegram -100123', why: 'telegram -100123 answered 401: Unauthorized (not tried again)' },
    ],
    [stale(standing, { at })],
    { at },
  ),
  'hook-failed': hookFailed(
    { verb: 'backup', source, status: 'succeeded' },
    [{ name: 'hook tell-cmdb', why: 'tell-cmdb failed with exit status 3' }],
    { at },
  ),
  test: testMessage(place, at),
  'odd-name': stale({ ...standing, source: "Café <!channel> & 'co' `x` 北京 *b* _i_" as SourceName }, { at }),
});

export const samples = makeSamples();
