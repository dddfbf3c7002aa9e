import { runAndReport } from '../../../core/telling/run-and-report.ts';
import { messageSchema } from '../../../core/contract/events/message.ts';
import type { Message } from '../../../core/contract/events/message.ts';
import { ourError } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';
import { openStore } from '../../../core/store/store.ts';
import { webhookNotifier } from '../../../core/telling/notifiers/webhook.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import { limit } from '../../support/vaults/vault.ts';

/** Drills of one source, days apart, told as a host tells them: what has reached a web address of this machine. */
export async function toldOfDrills(
  vault: Vault,
  drills: readonly { day: number; work(): Promise<object> }[],
): Promise<{ day: number; message: Message }[]> {
  const endpoint = await startEndpoint(() => ({ status: 200 }));
  let today = 0;
  const clock = { now: () => new Date(Date.parse('2041-01-01T03:00:00Z') + today * 24 * 3_600_000) };
  const host = {
    notifiers: [webhookNotifier({ name: 'webhook', url: async () => endpoint.url, key: async () => 'key', clock })],
    hooks: [],
    clock,
    place: vault.place,
    sourceNames: ['shop'],
    run: 'test',
    store: () => openStore(vault),
    explain: ourError,
    unalarming: [],
    limit,
  };
  const told: { day: number; message: Message }[] = [];
  try {
    for (const { day, work } of drills) {
      today = day;
      const before = endpoint.accepted.length;
      await runAndReport({ verb: 'drill', source: 'shop' as SourceName }, work, (done) => done, host).catch(() => {});
      for (const { body } of endpoint.accepted.slice(before))
        told.push({ day, message: messageSchema.parse(JSON.parse(body)) });
    }
    return told;
  } finally {
    await endpoint.stop();
  }
}
