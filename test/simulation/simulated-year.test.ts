import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { parseConfig } from '../../core/config-file.ts';
import type { SourceConfig } from '../../core/contract/config/config.ts';
import type { Ledger } from '../../core/contract/memory/ledger.ts';
import { expectationOf } from '../../core/domain/watch/expected.ts';
import { judge } from '../../core/domain/watch/freshness.ts';
import { startOf } from '../../core/domain/keys.ts';
import type { BackupId } from '../../core/domain/keys.ts';
import { remember, toRead } from '../../core/domain/verdict/ledger.ts';
import type { ManifestRead } from '../../core/domain/verdict/ledger.ts';
import { scheduleOf } from '../../core/domain/time/planned.ts';
import { planRotation, removedBy } from '../../core/domain/retention/rotation.ts';
import { partsNamed, verdictOf } from '../../core/domain/verdict/verdict.ts';
import { Cron } from 'croner';
import { hourMs, shop } from '../support/vaults/seen.ts';
import { dayMs, lifeOf } from '../support/worlds/simulated.ts';

const days = 400;
const begin = Date.UTC(2026, 1, 3);
const examples = new URL('../../examples/', import.meta.url);
const files = ['nightjar.example.yaml', ...(await readdir(examples)).filter((name) => name.endsWith('.yaml')).sort()];
const read = (name: string) =>
  readFile(
    new URL(name === 'nightjar.example.yaml' ? `../../${name}` : `../../examples/${name}`, import.meta.url),
    'utf8',
  );

/**
 * Sources that are kept and watched alike live alike: one of each. What has no schedule lives by the one that it most
 * often gets.
 */
const lives = new Map<string, [string, SourceConfig]>();
for (const file of files) {
  for (const [name, found] of parseConfig(await read(file), file).sources) {
    const source =
      found.watch.schedule === undefined ? { ...found, watch: { ...found.watch, schedule: '0 2 * * *' } } : found;
    const {
      timeZone,
      retention,
      rotation,
      watch,
      cloud: { rotate },
    } = source;
    const key = JSON.stringify([timeZone, retention, rotation, watch, rotate]);
    if (!lives.has(key)) lives.set(key, [`${file}: ${name}`, source]);
  }
}

/**
 * What rotation may keep at most: every place of every tier, and what is made before the next one comes, a week late.
 */
function mostKept({ retention, watch }: SourceConfig): number {
  const perDay = new Cron(watch.schedule!, { timezone: 'UTC', mode: '5-part' })
    .nextRuns(400, new Date(begin))
    .filter((at) => at.getTime() < begin + dayMs).length;
  const places =
    'count' in retention
      ? retention.count
      : retention.last + retention.hourly + retention.daily + retention.weekly + retention.monthly + retention.yearly;
  return places + (perDay + 1) * 9 + 3;
}

test.each([...lives.values()])(
  '400 days of %s: rotation is never refused, space is bounded, and every moment has its one true outcome',
  (label, source) => {
    const schedule = scheduleOf(source)!;
    const { moments, truths, isOff, world } = lifeOf(schedule, begin, days, label.length);
    const rotation = new Cron(source.cloud.rotate ?? '30 7 * * *', { timezone: source.timeZone, mode: '5-part' });
    const memory = { shrink: source.watch.shrink, timeZone: source.timeZone, retention: source.retention };
    const watched = {
      source: shop,
      place: '/vault',
      watch: source.watch,
      timeZone: source.timeZone,
      retention: source.retention,
    };
    const last = new Map<number, string>();
    const told = new Set<number>();
    const kinds = new Set<string>();
    const tooOld: Date[] = [];
    let ledger: Ledger | undefined;
    let rotateAt = rotation.nextRun(new Date(begin))!.getTime();
    let most = 0;
    const stepMs = moments[1]! - moments[0]! < 8 * hourMs ? dayMs : 2 * dayMs;

    for (let now = begin + 3 * dayMs + 4 * hourMs; now < begin + days * dayMs; now += stepMs) {
      const history = world.at(now);
      const manifests = new Map(
        toRead(history, ledger).map((id): [BackupId, ManifestRead] => [id, manifestOf(id, world.endOf(id))]),
      );
      const remembered = remember(ledger, history, manifests, memory, new Date(now));
      const verdict = verdictOf(history, remembered, memory, new Date(now));
      const expectation = expectationOf(watched, { history, verdict }, remembered.expected, new Date(now));
      const found = expectation?.found && { found: expectation.found };
      ledger = { ...remembered, ...(expectation && { expected: { ...expectation.memory, ...found } }) };
      const judgement = judge(watched, { history, verdict, expectation }, new Date(now));
      for (const { kind } of judgement.findings) kinds.add(kind);
      for (const { at } of expectation?.lost ?? []) told.add(at.getTime());
      const { newest, limitMs } = judgement.standing;
      if (judgement.state === 'fresh' && now - startOf(newest!).getTime() > limitMs) tooOld.push(new Date(now));

      // each moment since the schedule is known, once
      const since = Date.parse(expectation?.memory.since ?? new Date(now).toISOString());
      expect((expectation?.moments ?? []).map(({ at }) => at.getTime())).toEqual(
        moments.filter((at) => at > since && at <= now).slice(-30),
      );
      for (const { at, outcome, busy } of expectation?.moments ?? []) last.set(at.getTime(), busy ? 'busy' : outcome);

      for (; rotateAt <= now; rotateAt = rotation.nextRun(new Date(rotateAt))!.getTime()) {
        if (rotateAt <= now - stepMs || isOff(rotateAt)) continue;
        const plan = planRotation(history, verdict, source, new Date(now), { anyShare: false });
        expect(plan.refusal).toBeUndefined();
        world.remove(
          removedBy(plan).map(({ found }) => found.id),
          history,
          source.rotation.graceMs,
          new Date(now),
        );
      }
      most = Math.max(most, history.backups.length);
    }

    // a check that is rarer than the backups can't tell a killed run from one whose backup rotation has removed
    // meanwhile, and alarms nobody for it
    const isRare = moments[1]! - moments[0]! < stepMs;
    const truthOf = (at: number) => (isRare && truths.get(at) === 'killed' ? last.get(at) : truths.get(at));
    const settled = moments.filter((at) => last.has(at) && at < begin + (days - 4) * dayMs);
    expect(Object.fromEntries(settled.map((at) => [new Date(at).toISOString(), last.get(at)]))).toEqual(
      Object.fromEntries(settled.map((at) => [new Date(at).toISOString(), truthOf(at)])),
    );
    expect(settled.length).toBeGreaterThan((moments.length * 350) / 400 - 2);
    // no figure that is shown contradicts the state
    expect(tooOld).toEqual([]);
    // what was lost was told, and what was made in time was not
    expect(
      settled.filter(
        (at) => (truths.get(at) === 'missed' || (truths.get(at) === 'killed' && !isRare)) && !told.has(at),
      ),
    ).toEqual([]);
    expect([...told].filter((at) => ['made', 'busy'].includes(truths.get(at)!))).toEqual([]);
    expect(
      [...kinds].filter(
        (kind) =>
          kind !== 'missed' &&
          !(kind === 'never' && stepMs > dayMs) &&
          // nobody drills in this life
          !(kind === 'overdue-drill' && source.watch.drillEveryMs !== undefined) &&
          kind !== ('ms' in source.watch.limit ? 'stale' : 'missed'),
      ),
    ).toEqual([]);
    expect(most).toBeLessThanOrEqual(mostKept(source));
  },
);

function manifestOf(id: BackupId, end: Date): ManifestRead {
  const start = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T${id.slice(9, 11)}:${id.slice(11, 13)}:${id.slice(13, 15)}.000Z`;
  const facts = {
    start,
    end: end.toISOString(),
    rows: 1000,
    bytes: 1_000_000,
    parts: partsNamed([]),
    engine: 'postgres',
    database: 'shop',
  };
  return { content: { facts, families: new Map([['public.orders', 1000]]) }, parts: [] };
}
