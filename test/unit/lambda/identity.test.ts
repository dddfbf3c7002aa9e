import { expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { invocationIdentity, otherHolder } from '../../../functions/host/identity.ts';

const context = {
  awsRequestId: 'aaaaaaaa-1111',
  functionName: 'nightjar-backup',
  logStreamName: '2026/11/21/[$LATEST]1f',
  getRemainingTimeInMillis: () => 1000,
};
const earlier = invocationIdentity({ ...context, awsRequestId: 'bbbbbbbb-2222' }, 'on-demand');
const elsewhere = invocationIdentity(
  { ...context, awsRequestId: 'bbbbbbbb-2222', logStreamName: '2026/11/21/[$LATEST]2e' },
  'on-demand',
);
const held = new BackupError('lease-held', 'shop: run bbbbbbbb is at work');

test('an earlier run of the same environment is gone, one of another environment may be alive', () => {
  const identity = invocationIdentity(context, 'on-demand');

  expect([earlier, elsewhere].map(({ holder }) => identity.isGone(holder))).toEqual([true, false]);
  expect(identity.run).toBe('aaaaaaaa');
});

test('an attempt at the same request is ours in whichever environment; others are not', () => {
  const identity = invocationIdentity({ ...context, awsRequestId: 'bbbbbbbb-2222' }, 'on-demand');
  const holders = [
    elsewhere.holder,
    'laptop pid 7 request bbbbbbbb-2222',
    invocationIdentity(context, 'on-demand').holder,
  ];

  expect(holders.map((holder) => identity.isOurs?.(holder))).toEqual([true, false, false]);
});

test('what a schedule has started is one run for the same source and moment, whatever requests deliver it', () => {
  const runs = [
    ['aaaaaaaa-1111', 'shop', '2026-11-21T02:00:00Z'],
    ['bbbbbbbb-2222', 'shop', '2026-11-21T02:00:00Z'],
    ['aaaaaaaa-1111', 'blog', '2026-11-21T02:00:00Z'],
    ['aaaaaaaa-1111', 'shop', '2026-11-22T02:00:00Z'],
  ].map(
    ([awsRequestId = '', source, scheduled]) =>
      invocationIdentity({ ...context, awsRequestId }, 'on-demand', { source, scheduled }).run,
  );

  expect(runs[0]).toMatch(/^[0-9a-f]{8}$/);
  expect(runs[1]).toBe(runs[0]);
  expect(new Set(runs).size).toBe(3);
});

test('where an environment does several invocations at once, nobody is taken for gone', () => {
  for (const kind of ['lambda-managed-instances', undefined])
    expect(invocationIdentity(context, kind).isGone(earlier.holder)).toBe(false);
});

test('a backup is skipped for the sake of a live run alone, not for an unreadable lease or for an earlier attempt at the same request', () => {
  const identity = invocationIdentity(context, 'on-demand');
  const unmet = otherHolder(held, identity);
  const raced = otherHolder(
    new BackupError('lease-held', 'shop', { cause: new BackupError('object-exists', 'shop/lease.json') }),
    identity,
  );
  identity.isGone(elsewhere.holder);
  const met = otherHolder(held, identity);
  identity.isGone(`${elsewhere.holder.replace('bbbbbbbb-2222', context.awsRequestId)}`);
  const ownEarlier = otherHolder(held, identity);

  expect([unmet, raced, met, ownEarlier]).toEqual([
    undefined,
    'a run that began at the same moment',
    elsewhere.holder,
    undefined,
  ]);
  expect(otherHolder(new BackupError('vault-denied', 'no'), identity)).toBeUndefined();
});
