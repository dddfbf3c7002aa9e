import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCount } from '../../core/domain/units.ts';
import { aligned } from '../cli/text/text.ts';
import { nightjar } from './command.ts';
import { damageOf, ruin } from './disaster.ts';
import { differencesOf, figuresOf, type Figure } from './figures.ts';
import { database } from './shop.ts';
import { fillShops, type Stage } from './stage.ts';
import type { Teller } from './teller.ts';

/** What was in each shop, in the order of the shops. */
export type DemoLooks = readonly (readonly Figure[])[];

/** Fills both databases and records what is in them. */
export async function stockUp(stage: Stage, megabytes: number, tell: Teller, signal: AbortSignal): Promise<DemoLooks> {
  tell.step("A clothing store's data");
  tell.say('Customers, orders, reviews, page views …, made by the servers themselves, in both.');
  await tell.timed(`making ${megabytes} MB`, fillShops(stage, megabytes, signal));
  const looks = await lookAt(stage, signal);
  stage.shops.forEach(({ product }, index) => {
    const rows = looks[index]!.reduce((sum, figure) => sum + figure.rows, 0);
    tell.say(`  ${product.padEnd(10)}  ${formatCount(rows)} rows in ${looks[index]!.length} tables and sequences`);
  });
  return looks;
}

/** Backs both up into a folder. */
export async function backUp(stage: Stage, tell: Teller, signal: AbortSignal): Promise<void> {
  tell.step('The backup');
  tell.say(`${stage.folder}/nightjar.yaml says what and where to:\n`);
  tell.say(
    (await readFile(join(stage.folder, 'nightjar.yaml'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`)
      .join('\n')
      .replaceAll(/, (?=user)/g, ',\n                '),
  );
  await nightjar(['backup'], stage, tell, signal);
}

/** The bad day. */
export async function strike(stage: Stage, before: DemoLooks, tell: Teller, signal: AbortSignal): Promise<void> {
  tell.step('The disaster');
  for (const shop of stage.shops)
    await ruin(shop, (statement) => tell.command(`${shop.product.toLowerCase()}> ${statement};`), signal);
  const after = await lookAt(stage, signal);
  tell.say();
  const damage = stage.shops.flatMap(({ product }, index) =>
    damageOf(before[index]!, after[index]!).map((cells) => [product, ...cells]),
  );
  tell.say(
    aligned([['', 'table', 'rows before', 'now', ''], ...damage], [2, 3])
      .map((line) => `  ${line}`)
      .join('\n'),
  );
}

/** Reads the backups again before anything is dropped for their sake. */
export async function verify(stage: Stage, tell: Teller, signal: AbortSignal): Promise<void> {
  tell.step('Are the backups good?');
  tell.say('Every byte is read again and compared with its SHA-256:');
  await nightjar(['verify'], stage, tell, signal);
}

/** Restores both in place, over what is left of them. */
export async function restoreBoth(stage: Stage, tell: Teller, signal: AbortSignal): Promise<void> {
  tell.step('The restore');
  tell.say(
    'In place: what is left of each database is kept beside it, and --undo puts it back. (Without --to and ' +
      '--replace, a restore makes a new database beside the old one.)',
  );
  for (const { source } of stage.shops)
    await nightjar(['restore', source, '--to', database, '--replace', '--yes'], stage, tell, signal);
}

/** Compares both with what was in them before, without Nightjar. Returns whether everything is equal. */
export async function prove(stage: Stage, before: DemoLooks, tell: Teller, signal: AbortSignal): Promise<boolean> {
  tell.step('The proof');
  tell.say(
    "Nightjar has compared every row and definition with the backup. Now the databases' own word: row counts " +
      'and checksums of every table, before and now.\n',
  );
  const after = await lookAt(stage, signal);
  const found = stage.shops.map(({ product }, index) => {
    const differences = differencesOf(before[index]!, after[index]!);
    const rows = after[index]!.reduce((sum, figure) => sum + figure.rows, 0);
    if (differences.length === 0)
      tell.good(
        `${product}: ${formatCount(rows)} rows in ${after[index]!.length} tables and sequences, equal to the last bit`,
      );
    for (const difference of differences) tell.bad(`${product}: ${difference}`);
    return differences.length;
  });
  return found.every((count) => count === 0);
}

async function lookAt({ shops }: Stage, signal: AbortSignal): Promise<DemoLooks> {
  return Promise.all(shops.map((shop) => figuresOf(shop, signal)));
}
