import { expect, test } from '@jest/globals';
import type { Notifier } from '../../../core/ports.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { openStore } from '../../../core/store/store.ts';
import { runAndReport } from '../../../core/telling/run-and-report.ts';
import type { RunHost } from '../../../core/telling/run-and-report.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { limit } from '../../support/vaults/vault.ts';

const run = { verb: 'backup', source: 'shop' as SourceName } as const;

/** A host in memory, and what it has told and called. */
function listening() {
  const heard: string[] = [];
  const notifier: Notifier = { name: 'all', notify: async ({ subject }) => void heard.push(subject) };
  const hook = { name: 'hook', wants: () => true, call: async () => void heard.push('hook') };
  const store = openStore(memoryVault(emptyState()));
  const host: RunHost = {
    notifiers: [notifier],
    hooks: [hook],
    clock: { now: () => new Date('2026-11-20T12:00:00Z') },
    place: 'memory',
    sourceNames: ['shop'],
    run: 'run',
    store: () => store,
    explain: (error) => error as BackupError,
    unalarming: [],
    limit,
  };
  return { heard, host };
}

test.each(['planned', 'examined'])(
  'a run that has only looked (%s) is no all-clear of one that failed',
  async (status) => {
    const { heard, host } = listening();
    const failed = runAndReport(
      run,
      () => Promise.reject(new BackupError('vault-full', 'full')),
      (one) => one,
      host,
    );
    await expect(failed).rejects.toThrow('full');
    const before = heard.length;
    expect(before).toBeGreaterThan(1);

    await runAndReport(
      run,
      async () => ({ status }),
      (one) => one,
      host,
    );
    expect(heard).toHaveLength(before);

    await runAndReport(
      run,
      async () => ({ status: 'stored' }),
      (one) => one,
      host,
    );
    expect(heard.slice(before)).toEqual(expect.arrayContaining(['hook', 'the backup succeeded again']));
  },
);
