import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { Document, parseDocument } from 'yaml';
import { parseConfig } from '../../../../core/config-file.ts';
import { BackupError, isBackupError } from '../../../../core/domain/errors.ts';
import { backupCommand } from '../../commands/backup.ts';
import { drillCommand } from '../../commands/proof/drill.ts';
import { openSession } from '../../session.ts';
import type { CommandSession } from '../../session.ts';
import type { CommandOutcome } from '../../text/output.ts';
import { doctorCommand } from '../doctor.ts';
import type { WorkFolder } from '../layer.ts';
import { answersAsked, answersGiven } from './answers.ts';
import type { Answers, InitFlags } from './answers.ts';
import { openAsker } from './asking.ts';
import { rightsFor } from './rights.ts';

/** Where a password is kept, and what has to be written there first. */
type Password = { file: string; text?: string };

/** A proof each week, and a day for a late one. */
const drillEvery = '8d';

/**
 * `nightjar init`: writes a source into the configuration, then tries it, and makes and proves its first backup. An
 * existing configuration gets one more source and is otherwise unchanged.
 */
export async function initCommand(
  name: string | undefined,
  place: string | undefined,
  flags: InitFlags,
  work: WorkFolder,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const before = await textOf(work.configuration);
  // a mistake in an existing file is reported before anybody types an answer
  const taken = before === undefined ? [] : [...parseConfig(before, work.configuration).sources.keys()];
  if (name !== undefined && taken.includes(name as never))
    throw new BackupError('input-invalid', `${work.configuration} has a source ${name} already`, {
      hint: 'name another one, or change that one in the file',
    });
  const answers = await answersFor(name, place, flags, { taken, hasVault: before !== undefined }, work, signal);
  const text = withSource(before, answers, answers.password);
  parseConfig(text, work.configuration);
  if (answers.password?.text !== undefined)
    await writeSecret(resolve(work.folder, answers.password.file), answers.password.text);
  await writeConfiguration(work.configuration, text, before);
  work.out.say(`${answers.name} stands in ${work.configuration}`);
  if (!flags.proof) return { document: { source: answers.name, configuration: work.configuration }, failures: [] };
  return firstProof(answers.name, work, signal);
}

async function answersFor(
  name: string | undefined,
  place: string | undefined,
  flags: InitFlags,
  there: { taken: readonly string[]; hasVault: boolean },
  work: WorkFolder,
  signal: AbortSignal,
): Promise<Answers & { password?: Password }> {
  const given = name !== undefined && place !== undefined ? answersGiven(name, place, flags) : undefined;
  const whose = ({ asking, at }: Answers) => asking.password?.(at);
  if (given !== undefined && (whose(given) === undefined || flags.passwordFile !== undefined))
    return { ...given, ...(await passwordGiven(flags, work)) };
  const asker = openAsker(signal);
  try {
    const answers = given ?? (await answersAsked(name, flags, there, asker));
    if (whose(answers) === undefined || flags.passwordFile !== undefined)
      return { ...answers, ...(await passwordGiven(flags, work)) };
    await showRights(answers, work);
    const file = join('secrets', encodeURIComponent(answers.name));
    const text = await asker.askHidden(`password of ${whose(answers)} (kept in ${file}, not shown)`);
    return { ...answers, password: { file: `./${file}`, text } };
  } finally {
    asker.close();
  }
}

/** The named file, relative to the folder of the configuration. Throws `input-invalid` if others may read it. */
async function passwordGiven(
  { passwordFile }: InitFlags,
  { folder, cwd }: WorkFolder,
): Promise<{ password?: Password }> {
  if (passwordFile === undefined) return {};
  const path = resolve(cwd, passwordFile);
  const found = await stat(path).catch((cause: unknown) => {
    throw new BackupError('input-invalid', `there is no file ${path}`, {
      hint: 'write the password into it, and nothing else',
      cause,
    });
  });
  if ((found.mode & 0o077) !== 0)
    throw new BackupError('input-invalid', `others than its owner may read ${path}`, { hint: `chmod 600 ${path}` });
  return { password: { file: relative(folder, path) || path } };
}

/** What an administrator has to grant, before the login is tried. */
async function showRights({ asking, at }: Answers, { out }: WorkFolder): Promise<void> {
  if (asking.rights === undefined) return;
  if (at['databases'] !== undefined)
    return out.note('the rights that its user needs, and what becomes of each database: docs/whole-servers.md');
  const lines = await rightsFor(asking.rights, String(at['database']), String(at['user']));
  if (lines.length === 0) return;
  out.note(
    'an administrator gives the user these rights, and no more (docs/rights.md: what app is, and what some databases ask for besides):',
  );
  for (const line of lines) out.note(`  ${line}`);
}

function withSource(before: string | undefined, answers: Answers, password: Password | undefined): string {
  const { name, engine, at, schedule, timeZone, vault } = answers;
  const document = before === undefined ? new Document({ vault, sources: {} }) : parseDocument(before);
  if (before === undefined) document.commentBefore = ' Every key is explained in docs/configuration.md.';
  const source = {
    [engine]: { ...at, ...(password && { password: { file: password.file } }) },
    schedule,
    timeZone,
    drillEvery,
  };
  document.setIn(['sources', name], document.createNode(source));
  return document.toString({ lineWidth: 0 });
}

/** Tries everything, then makes the first backup and proves it. Ends with the first failure, and what to do. */
async function firstProof(
  source: string,
  { configuration, cwd, out }: WorkFolder,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const steps: ((session: CommandSession) => Promise<CommandOutcome>)[] = [
    (session) => doctorCommand([source], {}, session, signal),
    (session) => backupCommand([source], session, signal),
    (session) => firstDrill(source, configuration, session, signal),
  ];
  const documents: object[] = [];
  for (const step of steps) {
    // opened again for each step: for a whole server, the drill needs the databases that the backup found
    const session = await openSession(configuration, {}, { out, env: process.env, cwd }, signal);
    const { document, failures } = await step(session).finally(() => session.nightjar.close());
    documents.push(document);
    if (failures.length === 0) continue;
    out.note(
      `mend what is said above, then go on: nightjar doctor ${source}; nightjar backup ${source}; nightjar drill ${source}`,
    );
    return { document: { source, steps: documents }, failures };
  }
  out.say(`${source} has a first backup, restored and proven equal. Next:`);
  out.say('  have it done each night:          nightjar schedule write');
  out.say('  be told when something is wrong:  notify in the file (docs/alerts.md)');
  out.say('  look at what there is:            nightjar list');
  return { document: { source, steps: documents }, failures: [] };
}

/** A drill. If the user may not act for the owners of objects, this one leaves them out, and so will all later ones. */
async function firstDrill(
  source: string,
  configuration: string,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const drilling = (owner: boolean) =>
    drillCommand([source], { backup: 'latest', owner, tablespaces: true }, session, signal);
  const first = await drilling(true);
  if (!first.failures.some((error) => isBackupError(error, 'privilege-missing'))) return first;
  session.out.note('once more, without who owns what:');
  const second = await drilling(false);
  if (second.failures.length > 0) return second;
  const before = await readFile(configuration, 'utf8');
  const document = parseDocument(before);
  document.setIn(['sources', source, 'drill'], document.createNode({ owners: false }));
  await writeConfiguration(configuration, document.toString({ lineWidth: 0 }), before);
  session.out.note('drill: { owners: false } stands in the file now: take it out once the rights above are granted');
  return second;
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Never overwrites: the file may hold the password of another source. */
async function writeSecret(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await written(path, text, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
    throw new BackupError('input-invalid', `${path} is there already: nothing was written`, {
      hint: 'name it with --password-file, or take it away',
      cause,
    });
  });
}

/** Leaves the old text or the new one, whatever happens; does not touch a file that appeared meanwhile. */
async function writeConfiguration(path: string, text: string, before: string | undefined): Promise<void> {
  if (before === undefined) return written(path, text, 'wx', 0o644);
  if ((await readFile(path, 'utf8')) !== before)
    throw new BackupError('input-invalid', `${path} was changed meanwhile: nothing was written`, {
      hint: 'run it again',
    });
  await written(`${path}.new`, text, 'w', (await stat(path)).mode & 0o777);
  await rename(`${path}.new`, path);
}

async function written(path: string, text: string, flags: string, mode: number): Promise<void> {
  const file = await open(path, flags, mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
