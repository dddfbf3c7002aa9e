import { access, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCount, formatDuration } from '../../../core/domain/units.ts';
import { temporaryFolder } from '../../../test/servers/folder.ts';
import { findLayer } from '../../cli/setup/machine-layer.ts';
import type { Teller } from '../teller.ts';
import { debianBlog } from './blog.ts';
import { changesOf, lookAround } from './look.ts';
import type { Onlooker } from './look.ts';
import { emptyMachine } from './machine.ts';
import type { DemoMachine } from './machine.ts';
import { blocksOf } from './page.ts';
import { demoShell } from './shell.ts';
import type { DemoShell } from './shell.ts';
import { makeShop } from './shop.ts';

/** `paper`: the folder of what is kept elsewhere than on the machine. */
type Story = { top: string; paper: string; shell: DemoShell; megabytes: number; tell: Teller };

/**
 * Backs up a machine with two projects, loses it, and restores everything to an empty one by the commands of
 * docs/everything-lost.md. True if everything is as it was. Leaves nothing behind, whatever happens.
 */
export async function runEverything(megabytes: number, tell: Teller, signal: AbortSignal): Promise<boolean> {
  tell.say(
    'Nightjar: two whole projects are backed up, lost with their machine, and brought back by what docs/everything-lost.md says.',
  );
  tell.say('All of it is its own and goes away at the end; nothing of yours is touched.');
  const start = performance.now();
  const layer = await findLayer({ NIGHTJAR_PINS: 'newer', ...process.env }, undefined, tell.report, signal);
  const { path: top, remove } = await temporaryFolder('demo-everything');
  const paper = join(top, 'paper');
  let machine: DemoMachine | undefined;
  try {
    await mkdir(paper);
    const around: Story = { top, paper, shell: await demoShell(top, layer), megabytes, tell };
    tell.step('A machine with a shop and a blog');
    const blog = await debianBlog();
    machine = await tell.timed('starting its servers', emptyMachine(top, tell, signal));
    const looking: Onlooker = {
      layer,
      blog,
      cookie: await tell.timed('making the shop and the blog', fill(machine, blog, around, signal)),
    };
    const before = await lookAround(machine, looking, signal);
    await backUp(machine, around, signal);
    tell.step('Everything is lost');
    await machine.lose();
    tell.say((await isThere(machine.srv)) ? 'Something is still there.' : 'All servers and the whole disk are gone.');
    machine = await bringBack(around, signal);
    tell.step('Is it as it was?');
    const changes = changesOf(before, await lookAround(machine, looking, signal));
    for (const change of changes) tell.bad(change);
    if (changes.length > 0) return false;
    const rows = [...before.orders, ...before.visits].reduce((sum, figure) => sum + figure.rows, 0);
    tell.good(
      `The shop: ${formatCount(rows)} rows, by the servers' own checksums; its code logs in and tells what it told`,
    );
    tell.good('Its image: the tag leads to the same digests, byte for byte');
    tell.good('The blog: who was logged in still is, and sees every post and picture');
    tell.good(`${formatCount(before.files.length / 2)} files: content, owner, mode and time`);
    tell.say(`\nAll of it took ${formatDuration(performance.now() - start)}.`);
    return true;
  } finally {
    await machine?.lose();
    await remove();
  }
}

async function fill(
  machine: DemoMachine,
  blog: Onlooker['blog'],
  { megabytes }: Story,
  signal: AbortSignal,
): Promise<string> {
  await makeShop(machine, megabytes, signal);
  return blog.make(machine, signal);
}

/** What a person did on a good day: an identity, the page's configuration, the first backup. */
async function backUp(machine: DemoMachine, { top, paper, shell, tell }: Story, signal: AbortSignal): Promise<void> {
  tell.step('The backup');
  await mkdir(join(top, 'backups'));
  await shell(machine, 'nightjar key identity identity.txt > told', signal);
  const recipient = /age1[0-9a-z]+/.exec(await readFile(join(machine.nightjar, 'told'), 'utf8'))?.[0] ?? '';
  const [yaml = ''] = await blocksOf('What is backed up', 'yaml');
  await writeFile(join(paper, 'nightjar.yaml'), yaml.replace('age1…', recipient));
  await copyFile(join(machine.nightjar, 'identity.txt'), join(paper, 'identity.txt'));
  await writeFile(
    join(machine.nightjar, 'nightjar.yaml'),
    machine.here(await readFile(join(paper, 'nightjar.yaml'), 'utf8')),
  );
  for (const block of await blocksOf('What is backed up', 'bash')) await shell(machine, block, signal);
}

/** An empty machine, what was kept elsewhere, and the commands of the page. */
async function bringBack({ top, paper, shell, tell }: Story, signal: AbortSignal): Promise<DemoMachine> {
  tell.step('An empty machine');
  const machine = await tell.timed('starting new servers, with nothing in them', emptyMachine(top, tell, signal));
  try {
    await writeFile(
      join(machine.nightjar, 'nightjar.yaml'),
      machine.here(await readFile(join(paper, 'nightjar.yaml'), 'utf8')),
    );
    await copyFile(join(paper, 'identity.txt'), join(machine.nightjar, 'identity.txt'));
    for (const block of await blocksOf('On the empty machine', 'bash')) await shell(machine, block, signal);
    return machine;
  } catch (error) {
    await machine.lose();
    throw error;
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
