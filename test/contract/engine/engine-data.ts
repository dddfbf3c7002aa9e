import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { BackupDeps } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../core/commands/restore/restore.ts';
import type { Manifest, TableRows } from '../../../core/contract/manifest/manifest.ts';
import { mergeTallies, tableRows } from '../../../core/pipeline/rows/tables.ts';
import type { Engine, PlannedPart, Report } from '../../../core/ports.ts';
import { makePart } from '../../support/parts.ts';
import type { MadePart } from '../../support/parts.ts';
import type { EngineUnderTest, Lines } from './engine-contract.ts';

export const limit = () => AbortSignal.timeout(120_000);

/** More than a pipe and a program's buffer hold, a table of few rows and one of none. */
export function tablesOf({ bigRows = 400 }: Pick<EngineUnderTest, 'bigRows'>): Lines {
  return {
    big: Array.from({ length: bigRows }, (_, index) => `${index} ${'x'.repeat(2500)}`),
    few: ['one', 'two', "it's \\ three", 'vier €'],
    none: [],
  };
}

/** Of each table by its bare name, whatever the engine puts around it. */
export function byTable<T extends { table: string }>(all: readonly T[]): Record<string, T> {
  return Object.fromEntries(all.map((one) => [/(\w+)\W*$/.exec(one.table)?.[1] ?? one.table, one]));
}

export function countsOf(all: readonly TableRows[]): Record<string, number> {
  return Object.fromEntries(Object.entries(byTable(all)).map(([table, { rows }]) => [table, rows]));
}

export function lengthsOf(lines: Lines): Record<string, number> {
  return Object.fromEntries(Object.entries(lines).map(([table, rows]) => [table, rows.length]));
}

/** The same rows, in whatever order. */
export function sorted(lines: Lines | undefined): Lines | undefined {
  return lines && Object.fromEntries(Object.entries(lines).map(([table, rows]) => [table, rows.toSorted()]));
}

/**
 * Plans, and makes all parts of what JSON brings of them, as a backup does; `onRows` is told of the first chunk with
 * rows. `maker`: another adapter that makes them.
 */
export async function readPlan(engine: Engine, onRows: () => Promise<void> = async () => {}, maker: Engine = engine) {
  const plan = await engine.plan({}, limit());
  const texts = new Map<PlannedPart, Buffer>();
  const made: MadePart[] = [];
  let isFirst = true;
  try {
    for (const part of plan.parts) {
      const one = await makePart(maker, part, async ({ hasRows }) => {
        if (!isFirst || !hasRows) return;
        isFirst = false;
        await onRows();
      });
      made.push(one);
      texts.set(part, one.text);
    }
    const seen = mergeTallies(made.flatMap(({ tally }) => tally ?? []));
    const notes = made.map((one) => one.notes);
    const confirmed = await plan.confirm(tableRows(seen), notes, limit());
    return { texts, seen, tables: confirmed.tables };
  } finally {
    await plan.close();
  }
}

/** Restores and proves. */
export function restoring(
  manifest: Manifest,
  engine: Engine,
  { store }: Pick<BackupDeps, 'store'>,
  options: Partial<RestoreOptions> = {},
  { report = () => undefined, signal = limit() }: { report?: Report; signal?: AbortSignal } = {},
) {
  const all = { replace: false, owners: true, proof: true, ...options };
  return restore(manifest, engine, all, { store, report, parallel: 2 }, signal);
}

/** A report that aborts at its n-th word. */
export function stoppingAt(moment: number): { report: Report; signal: AbortSignal; heard(): number } {
  const stop = new AbortController();
  let heard = 0;
  return {
    report: () => {
      heard += 1;
      if (heard === moment) stop.abort();
    },
    signal: AbortSignal.any([stop.signal, limit()]),
    heard: () => heard,
  };
}

/** Some moments of so many: the first ones, the last ones, and some between. */
export function momentsOf(count: number): number[] {
  const all = [1, 2, Math.ceil(count / 3), Math.ceil((count * 2) / 3), count - 1, count];
  return [...new Set(all)].filter((moment) => moment >= 1 && moment <= count);
}

const patience = ({ patienceMs = 60_000 }: EngineUnderTest): number => patienceMs;

/** Waits for what must end soon, and throws where it does not. */
export async function within<T>(under: EngineUnderTest, work: Promise<T>): Promise<T> {
  const waited = new AbortController();
  const tooLong = sleep(patience(under), undefined, { signal: waited.signal }).then(() => {
    throw new Error(`nothing has come of it in ${patience(under)} ms`);
  });
  return Promise.race([work, tooLong]).finally(() => {
    tooLong.catch(() => undefined);
    waited.abort();
  });
}

/** What work that may be stopped has made: undefined where it was stopped. */
export async function orStopped<T>(under: EngineUnderTest, work: Promise<T>): Promise<T | undefined> {
  return within(
    under,
    work.catch(() => undefined),
  );
}

/** A server takes a moment to end what it was told to end: also the session that has asked it what is left. */
export async function expectNothingLeft(under: EngineUnderTest): Promise<void> {
  const until = performance.now() + patience(under);
  let left = await under.left();
  while (left.length > 0 && performance.now() < until) {
    await sleep(50);
    left = await under.left();
  }
  expect(left).toEqual([]);
}
