import { exitCodeOf } from '../../../bin/cli/text/failure.ts';
import { restoreRecorded } from '../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../core/commands/restore/restore.ts';
import { runAndReport } from '../../../core/telling/run-and-report.ts';
import { messageSchema } from '../../../core/contract/events/message.ts';
import type { Message } from '../../../core/contract/events/message.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { BackupError, isBackupError, messageOf } from '../../../core/domain/errors.ts';
import { backupPrefix } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { outboxFolder } from '../../../core/domain/layout/places.ts';
import { proofOfPath } from '../../../core/domain/layout/records.ts';
import type { ProofRecord } from '../../../core/domain/layout/records.ts';
import { webhookNotifier } from '../../../core/telling/notifiers/webhook.ts';
import type { Engine } from '../../../core/ports.ts';
import type { Vault } from '../../../core/vault.ts';
import { openStore } from '../../../core/store/store.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import { limit } from '../../support/vaults/vault.ts';

/**
 * What a person sees of a restore: its error, its exit code, the newest record beside the backup with its words, the
 * alert.
 */
export type Verdict = {
  code?: string;
  said: string;
  exit: number;
  record: Pick<ProofRecord, 'kind' | 'outcome'> | undefined;
  written: string;
  alert: Message | undefined;
};

/**
 * Restores as a host does, and hands back what there is to be seen of it. A minute passes with each restore, so that
 * each has a record of its own; the alert goes to a web address of this machine.
 */
export async function openCourt(vault: Vault) {
  const endpoint = await startEndpoint(() => ({ status: 200 }));
  let minutes = 0;
  const clock = { now: () => new Date(Date.parse('2030-01-01T00:00:00Z') + minutes * 60_000) };
  const notifiers = [
    webhookNotifier({ name: 'webhook', url: async () => endpoint.url, key: async () => 'key', clock }),
  ];
  const explain = (error: unknown): BackupError =>
    isBackupError(error) ? error : new BackupError('internal', messageOf(error), { cause: error });

  return {
    async restoring(manifest: Manifest, engine: Engine, options: Partial<RestoreOptions> = {}): Promise<Verdict> {
      minutes += 1;
      // nobody has been told of an earlier lie: of one that goes on there is no second message
      for await (const { key } of vault.list(outboxFolder, limit())) await vault.delete(key, limit());
      const all = { replace: false, owners: true, proof: true, ...options };
      const source = manifest.source as SourceName;
      const work = () =>
        restoreRecorded(
          manifest,
          engine,
          all,
          { store: openStore(vault), clock, report: () => {}, parallel: 2 },
          limit(),
        );
      const host = {
        notifiers,
        hooks: [],
        sourceNames: [source],
        clock,
        place: vault.place,
        run: 'test',
        store: () => openStore(vault),
        explain,
        unalarming: [],
        limit,
      };
      const before = endpoint.accepted.length;
      const error = await runAndReport({ verb: 'restore', source }, work, (done) => done, host).then(
        () => undefined,
        explain,
      );
      const [newest] = (await proofsOf(manifest, vault)).filter(({ at }) => at.getTime() === clock.now().getTime());
      const alert = endpoint.accepted[before];
      return {
        ...(error && { code: error.code }),
        said: error?.message ?? '',
        exit: exitCodeOf(error === undefined ? [] : [error]),
        record: newest && { kind: newest.kind, outcome: newest.outcome },
        written: newest?.written ?? '',
        alert: alert && messageSchema.parse(JSON.parse(alert.body)),
      };
    },
    stop: () => endpoint.stop(),
  };
}

export type Court = Awaited<ReturnType<typeof openCourt>>;

/** An engine whose database `database` holds the backup already: its restore is the proof, and what follows. */
export function restoredAlready(engine: Engine, database: string): Engine {
  const nothing = () => Promise.resolve();
  return {
    ...engine,
    target: async () => ({
      database,
      state: 'absent',
      holds: '',
      notes: [],
      prepare: nothing,
      stages: [],
      made: () => database,
      failures: [],
      leftOut: [],
      finish: async () => [],
      keep: async () => [],
      discard: nothing,
      standing: () => `database ${database} is there`,
      close: nothing,
    }),
  };
}

/** An engine whose restored database somebody changes between the load and the proof. */
export function changedBeforeProof(engine: Engine, change: (database: string | undefined) => Promise<unknown>): Engine {
  return {
    ...engine,
    async plan(options, signal) {
      if (options.like !== undefined) await change(options.database);
      return engine.plan(options, signal);
    },
  };
}

async function proofsOf({ source, id }: Manifest, vault: Vault) {
  const prefix = backupPrefix(source as SourceName, id as BackupId);
  const listed = await Array.fromAsync(vault.list(prefix, limit()));
  return Promise.all(
    listed.flatMap(({ key }) => {
      const record = proofOfPath(key.slice(prefix.length));
      return record === undefined
        ? []
        : [vault.read(key, limit()).then(({ body }) => ({ ...record, written: Buffer.from(body).toString() }))];
    }),
  );
}
