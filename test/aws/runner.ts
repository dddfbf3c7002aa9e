import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/domain/errors.ts';
import type { Account } from './account.ts';
import { recordOf } from './record.ts';

/** Dollars, by the list prices of eu-west-1: some once, some for each hour that it stands. */
export type Price = { once?: number; hourly?: number };

/** What steps work with. */
export type Prover = Account & {
  /** Begins the names of all that is made, so that it is found again by whoever goes on or tears down. */
  run: string;
  /** Where configurations and the record lie. */
  folder: string;
  cdk(args: readonly string[], signal: AbortSignal): Promise<void>;
  say(line: string): void;
};

/** One thing that is tried on AWS. Each stands for itself, on what the vital ones have made. */
export type Step = {
  name: string;
  /** What the emulator, or the documentation, lets us expect: the record sets what was seen beside it. */
  assumed: string;
  price?: Price;
  /** Without it the rest has nothing to work on. */
  vital?: boolean;
  do(prover: Prover, signal: AbortSignal): Promise<unknown>;
  /** What of it is not as assumed: nothing, where all is. */
  judge(seen: unknown): string[];
  /** Takes away what `do` may have made, or finds nothing; `command`: how a person does it. */
  undo?: { do(prover: Prover, signal: AbortSignal): Promise<void>; command(prover: Prover): string };
};

/** `T` is what `do` gives to `judge`. */
export function step<T>(
  one: Omit<Step, 'do' | 'judge'> & {
    do(prover: Prover, signal: AbortSignal): Promise<T>;
    judge(seen: T): string[];
  },
): Step {
  return one as unknown as Step;
}

export type Outcome = { step: string; at: string; seconds: number; seen?: unknown; differs: string[]; error?: string };
export type Proved = { outcomes: Outcome[]; left: { step: string; command: string; why: string }[] };

/** Tearing down does not heed the signal that stopped the rest; so long it may take. */
const undoMs = 90 * 60_000;

/** The most that all steps can cost within so many hours. */
export function priceOf(steps: readonly Step[], hours: number): number {
  return steps.reduce((sum, { price: { once = 0, hourly = 0 } = {} }) => sum + once + hourly * hours, 0);
}

/**
 * Does each step that this run has not done as assumed before, and judges it; writes down each at once; and takes away
 * everything at the end, whatever happened. Throws nothing that a step has thrown.
 */
export async function prove(steps: readonly Step[], prover: Prover, signal: AbortSignal): Promise<Proved> {
  await mkdir(prover.folder, { recursive: true });
  const outcomes = await outcomesOf(prover);
  try {
    for (const one of steps) {
      if (signal.aborted) break;
      const before = outcomes.find(({ step: name }) => name === one.name);
      if (before !== undefined && isAsAssumed(before) && !one.vital) continue;
      const outcome = await tried(one, prover, signal);
      outcomes.splice(0, outcomes.length, ...outcomes.filter((other) => other !== before), outcome);
      await keep(prover, { outcomes, left: [] }, steps);
      if (one.vital && !isAsAssumed(outcome)) break;
    }
  } finally {
    prover.say('tearing down …');
  }
  const proved = { outcomes, left: await tearDown(steps, prover) };
  await keep(prover, proved, steps);
  return proved;
}

/** Takes away what all steps may have made, the last first. Returns what could not be, with its command. */
export async function tearDown(steps: readonly Step[], prover: Prover): Promise<Proved['left']> {
  const left: Proved['left'] = [];
  for (const { name, undo } of steps.toReversed()) {
    if (undo === undefined) continue;
    try {
      await undo.do(prover, AbortSignal.timeout(undoMs));
      prover.say(`- ${name}: gone`);
    } catch (error) {
      left.push({ step: name, command: undo.command(prover), why: messageOf(error) });
      prover.say(`- ${name}: STILL THERE: ${messageOf(error)}`);
    }
  }
  return left;
}

export function isAsAssumed({ differs, error }: Outcome): boolean {
  return differs.length === 0 && error === undefined;
}

async function tried(one: Step, prover: Prover, signal: AbortSignal): Promise<Outcome> {
  const began = Date.now();
  const ended = () => ({
    step: one.name,
    at: new Date(began).toISOString(),
    seconds: Math.round((Date.now() - began) / 1000),
  });
  prover.say(`- ${one.name} …`);
  try {
    const seen = await one.do(prover, signal);
    const differs = one.judge(seen);
    prover.say(differs.length === 0 ? '  as assumed' : `  DIFFERS: ${differs.join('; ')}`);
    return { ...ended(), seen, differs };
  } catch (error) {
    prover.say(`  FAILED: ${messageOf(error)}`);
    return { ...ended(), differs: [], error: messageOf(error) };
  }
}

const fileOf = ({ folder, run }: Prover): string => join(folder, `${run}.json`);

async function outcomesOf(prover: Prover): Promise<Outcome[]> {
  const text = await readFile(fileOf(prover), 'utf8').catch(() => '{"outcomes":[]}');
  return (JSON.parse(text) as Proved).outcomes;
}

async function keep(prover: Prover, proved: Proved, steps: readonly Step[]): Promise<void> {
  await writeFile(fileOf(prover), JSON.stringify(proved, undefined, 2));
  await writeFile(join(prover.folder, `${prover.run}.md`), recordOf(proved, steps, prover));
}
