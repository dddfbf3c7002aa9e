import { resolve } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import type {
  BackupAsSql,
  ByteStream,
  Clock,
  Hook,
  Identity,
  Inspection,
  ListKeys,
  Notifier,
  SecretReference,
  Secrets,
  Source,
} from './ports.ts';
import type { Telling } from './telling/run-and-report.ts';
import type { Config, SourceConfig, ToldBy } from './contract/config/config.ts';
import { vaultDescriptor } from './contract/config/vaults/vault.ts';
import type { VaultConfig } from './contract/config/vaults/vault.ts';
import { rdsSources } from './contract/config/sources/rds-sources.ts';
import { BackupError, isBackupError } from './domain/errors.ts';
import type { SourceName } from './domain/keys.ts';
import { naming } from './domain/messages/commands.ts';
import { projectRunbook } from './domain/messages/plain.ts';
import { suggestion } from './domain/nearest.ts';
import { toolsNotices } from './domain/tools/notices.ts';
import type { ToolsFacts, Notice } from './domain/tools/notices.ts';
import { scheduleOf } from './domain/time/planned.ts';
import { configuredIdentities, requireRecipients } from './encryption.ts';
import type { Opening } from './engines/descriptor.ts';
import { descriptorOf, inspection, plainSqlOf } from './engines/index.ts';
import { configuredSigning } from './signing.ts';
import { openSecrets } from './secrets/index.ts';
import { listKeysIn } from './secrets/list-keys.ts';
import { rdsToken } from './secrets/rds-token.ts';
import type { ServerLooked } from './commands/servers/look.ts';
import type { RosterKnown, SourcesOfRoster } from './roster.ts';
import { databasesByBackups, databaseSources, lookRules, sourcesOn } from './servers.ts';
import { openStore } from './store/store.ts';
import type { Store } from './store/store.ts';
import { namingKey, surroundings } from './surroundings.ts';
import type { EngineSurroundings, Surroundings } from './surroundings.ts';
import { openTools } from './tools.ts';
import type { Tools } from './tools.ts';
import { openHook } from './telling/hooks/index.ts';
import { openNotifier } from './telling/notifiers/index.ts';
import type { Command } from './pipeline/feed.ts';
import type { OpenVault } from './vaults/descriptor.ts';
import { unopenedVault } from './vaults/unopened.ts';

/** What only the host knows. */
export type Host = {
  env: Readonly<Record<string, string | undefined>>;
  /** Relative paths in the configuration start from this folder. */
  folder: string;
  identity: Identity;
  /** The folder of the binary layer (/opt in Lambda). Called when a database program is first needed. */
  layer(signal: AbortSignal): Promise<string>;
  /** What is known of that layer without building or running anything; undefined if nothing is. */
  toolsFacts?(signal: AbortSignal): Promise<ToolsFacts | undefined>;
  /** Receives what programs of the configuration print when they fail. Only for whoever can see this machine. */
  said?: ((line: string) => void) | undefined;
  /**
   * A folder of this user that outlives runs, for the keys to lists. Absent on a host that keeps nothing; throws if the
   * folder can't be found.
   */
  keysFolder?(): Promise<string>;
  /** The runbook that came with the program, if people can open it. */
  runbook?: string | undefined;
  /**
   * `false`: this host has nothing to do with sources found by their tag, and may not be allowed to read about them.
   */
  knowsRoster?: boolean | undefined;
  /** False if it may not list the whole vault: the function of one source may not. */
  listsVault?: boolean;
  /** The configuration's path, if the commands suggested in messages have to name it. */
  configuration?: string | undefined;
  /** The further vault that is worked in, which those commands have to name, too. */
  workingIn?: string | undefined;
};

/** Everything that the commands work with. */
export type Nightjar = {
  version: string;
  identity: Identity;
  clock: Clock;
  random: () => number;
  store: Store;
  /** Where this machine keeps keys to the lists of encrypted backups; absent where it keeps none. */
  listKeys: ListKeys | undefined;
  /** The store in a further vault of the configuration. Throws `input-invalid` for a name that is not configured. */
  vault(name: string, signal: AbortSignal): Promise<Store>;
  /** The store in another folder, which need not exist yet. `path` is absolute. */
  storeIn(path: string): Promise<Store>;
  /** The names of all sources, in the order of the configuration. */
  sourceNames: readonly SourceName[];
  /** The known sources of a whole server: first those that belong to no single database, then its databases. */
  onServer(server: string): SourceName[];
  /** Whole servers whose databases were never listed: a check reports them as missing, under their own names. */
  unlooked: readonly SourceName[];
  /**
   * Makes the databases that the vault has backups of sources of such a server, or `only` this one. Does not reach the
   * server. Returns how many there are.
   */
  recall(server: SourceName, signal: AbortSignal, only?: SourceName): Promise<number>;
  /** Lists the databases that a whole server has now; they are sources from then on. */
  lookAt(
    server: SourceName,
    own: Pick<Nightjar, 'store' | 'clock' | 'notifiers'>,
    signal: AbortSignal,
  ): Promise<ServerLooked>;
  /** A source's settings, without reaching anything. Throws `input-invalid` for a name that is not configured. */
  settings(name: string): SourceConfig;
  /** The configuration, with the sources found by their tag added. */
  config: Config;
  /** What is known about the sources found by their tag. They are among the other sources here. */
  byTag: RosterKnown;
  /** Who is notified. Their secrets are read when a message is sent. */
  notifiers: readonly Notifier[];
  /** Hooks that are called when a run ends. */
  hooks: readonly Hook[];
  /**
   * A source by name. With `database`, another database on its server; with `drill`, on the server for drills; with
   * `adopting`, on the server where other people's dumps are loaded; with `restoring`, on the server for restores in
   * the cloud. Throws `input-invalid` for a name or server that is not configured, `secret-missing`, `tools-missing`.
   */
  source(name: string, options: Omit<Opening, 'key'>, signal: AbortSignal): Promise<Source & { database: string }>;
  /**
   * Notices about the database clients and about the certificate authorities of the configured servers; undefined if
   * nothing is known. Throws only when aborted.
   */
  toolsNotices(signal: AbortSignal): Promise<Notice[] | undefined>;
  /** How a restore would judge the content of this engine's backups. */
  inspection(engine: string): Promise<Inspection>;
  /** A backup as one SQL text. Throws `input-invalid` if its engine can't write one, and `tools-missing`. */
  plainSql(backup: BackupAsSql, signal: AbortSignal): Promise<ByteStream>;
  /** Closes connections. */
  close(): void;
};

/**
 * Puts everything together. Reads only the secrets of the vault and, where needed, what the vault says about sources.
 * `patient`: a vault that can't be opened is no error here; every use of its store throws that error instead.
 */
export async function compose(
  written: Config,
  host: Host,
  signal: AbortSignal,
  { patient = false }: { patient?: boolean } = {},
): Promise<Nightjar> {
  const secrets = openSecrets(host);
  const telling = openTelling(written, host, secrets);
  const own = surroundings(secrets, host.folder);
  const { vault, close } = await openVault(written.vault, 'vault', own, signal).catch((error: unknown) => {
    if (!patient || !isBackupError(error)) throw error;
    return { vault: unopenedVault(telling.place, error), close: () => undefined };
  });
  const isAsked = written.cloud?.byTag !== undefined && host.knowsRoster !== false;
  const { sources: byTag, ...known }: SourcesOfRoster = isAsked
    ? await import('./roster.ts').then(({ rosterSources }) => rosterSources(written, openStore(vault), signal))
    : { sources: new Map() };
  const further = [...byTag].filter(([name]) => !written.sources.has(name));
  const all = new Map([...written.sources, ...further]);
  const config = { ...written, sources: all };
  let unlooked: readonly SourceName[] = [...written.servers.keys()];
  if (written.servers.size > 0)
    await addDatabases(openStore(vault), signal).catch((error: unknown) => {
      // every use of an unreachable vault reports it anyway, and the first backup creates a new one
      if (!isBackupError(error, 'vault-unreachable') && !(patient && isBackupError(error))) throw error;
    });
  const vaults = new Map<string, Promise<OpenVault>>();

  async function addDatabases(store: Pick<Store, 'readServer'>, stop: AbortSignal): Promise<void> {
    const found = await databaseSources(written, store, stop);
    for (const server of written.servers.keys()) all.delete(server);
    for (const [name, one] of found.sources) all.set(name, one);
    unlooked = found.unlooked;
  }

  function openFurther(name: string, stop: AbortSignal): Promise<OpenVault> {
    const named = Object.hasOwn(config.vaults, name) ? config.vaults[name] : undefined;
    if (named === undefined) throw unknownVault(name, config);
    const one = vaults.get(name) ?? openVault(named, `vaults.${name}`, own, stop);
    vaults.set(name, one);
    one.catch(() => vaults.delete(name));
    return one;
  }
  const identitiesOf = configuredIdentities(config, secrets);
  const signingOf = configuredSigning(config, secrets);
  const storeOf = (one: OpenVault['vault']): Store => openStore(one, identitiesOf, signingOf);
  let opened: Promise<Tools> | undefined;

  async function tools(stop: AbortSignal): Promise<Tools> {
    opened ??= host.layer(stop).then(openTools);
    return opened.catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
  }

  const from: EngineSurroundings = { ...own, token: rdsToken, tools };

  return {
    version: packageJson.version,
    identity: host.identity,
    clock: telling.clock,
    random: Math.random,
    store: storeOf(vault),
    listKeys:
      host.keysFolder && listKeysIn(host.keysFolder, vaultDescriptor(written.vault).pathOf(written.vault, own.path)),
    vault: async (name, stop) => storeOf({ ...(await openFurther(name, stop)).vault, name }),
    storeIn: async (path) => storeOf((await import('./vaults/folder/folder.ts')).folderVault(path)),
    get sourceNames() {
      return [...all.keys()];
    },
    settings: (name) =>
      (unlooked.includes(name as SourceName) ? written.servers.get(name as SourceName) : undefined) ??
      sourceConfig(config, name),
    get unlooked() {
      return unlooked;
    },
    onServer: (server) => [...all].flatMap(([name, one]) => (one.server === server ? [name] : [])),
    async recall(server, stop, only) {
      const source = written.servers.get(server)!;
      const recalled = await databasesByBackups(server, source, storeOf(vault), stop, only);
      for (const [name, one] of sourcesOn(server, source, recalled)) all.set(name, one);
      // one that has nothing is missed by its own name
      if (recalled.length > 0) unlooked = unlooked.filter((one) => one !== server);
      return recalled.length;
    },
    async lookAt(server, own, stop) {
      const source = written.servers.get(server)!;
      const list = (end: AbortSignal) => descriptorOf(source.engine).databases!(source, `sources.${server}`, from, end);
      const isLost = unlooked.includes(server) && host.listsVault !== false;
      const recalled = isLost ? await databasesByBackups(server, source, own.store, stop).catch(notListed) : [];
      const { lookAtDatabases } = await import('./commands/servers/look.ts');
      const looked = await lookAtDatabases(lookRules(server, source), { ...own, databases: list, recalled }, stop);
      await addDatabases(own.store, stop);
      return looked;
    },
    config,
    byTag: known,
    notifiers: telling.notifiers,
    hooks: telling.hooks,
    async source(name, options, stop) {
      const found = sourceConfig(config, name);
      await requireRecipients(name as SourceName, found);
      const opening = { key: `sources.${name}`, ...options };
      const { engine, database } = await descriptorOf(found.engine).open(found, opening, from, stop);
      const { timeZone, retention, compressionLevel, parallel } = found;
      const { recipients } = found.encryption;
      return {
        name: name as SourceName,
        engine,
        database,
        timeZone,
        schedule: scheduleOf(found),
        retention,
        compressionLevel,
        parallel,
        recipients,
      };
    },
    async toolsNotices(stop) {
      if (host.env['NIGHTJAR_LAYER_NEWS'] === 'off') return undefined;
      const facts = await host.toolsFacts?.(stop).catch((error: unknown) => {
        if (stop.aborted || !isBackupError(error)) throw error;
        return undefined;
      });
      return facts && toolsNotices(facts, rdsSources(config), telling.clock.now());
    },
    inspection,
    async plainSql(backup, stop) {
      const make = await plainSqlOf(backup.manifest.engine, { tools }, stop);
      return make(backup, stop);
    },
    close() {
      close();
      for (const opened of vaults.values()) void opened.then((one) => one.close()).catch(() => undefined);
    },
  };
}

/**
 * No backups are found where the vault may not be listed, or where its folder does not exist before the first backup.
 */
function notListed(error: unknown): never[] {
  if (!isBackupError(error, 'vault-denied', 'vault-unreachable')) throw error;
  return [];
}

/**
 * What a host needs to report that `compose` failed or that the configuration is invalid: who is notified, and the
 * clock. Reads nothing.
 */
export function openTelling(config: ToldBy, host: Host, secrets: Secrets = openSecrets(host)): Telling {
  const clock = { now: () => new Date() };
  const command = (line: readonly string[]) => commandOf(line, host);
  const { vault } = config;
  const runbook = config.runbook ?? projectRunbook(packageJson) ?? host.runbook;
  const named = naming(host.configuration, host.workingIn);
  const secretOf = (key: string) => (reference: SecretReference, stop: AbortSignal) =>
    namingKey(key, secrets.get(reference, stop));
  return {
    clock,
    place:
      vault === undefined
        ? "unknown: the configuration can't be used"
        : vaultDescriptor(vault).place(vault, (written) => resolve(host.folder, written)),
    notifiers: config.notify.map((one) =>
      linking(openNotifier(one, { clock, secret: secretOf('notify'), command }), runbook, named),
    ),
    hooks: config.hooks.map((one) => namingHook(openHook(one, { secret: secretOf('hooks'), command }), named)),
    sourceNames: [...config.sources.keys()],
  };
}

/**
 * The store in the vault of a configuration that is otherwise invalid, to remember that this was reported. Undefined if
 * its vault can't be opened.
 */
export async function openMemory(
  { vault: config }: ToldBy,
  host: Host,
  signal: AbortSignal,
): Promise<{ store: Store; close(): void } | undefined> {
  if (config === undefined) return undefined;
  try {
    const from = surroundings(openSecrets(host), host.folder);
    const { vault, close } = await openVault(config, 'vault', from, signal);
    return { store: openStore(vault), close };
  } catch (error) {
    if (!isBackupError(error)) throw error;
    return undefined;
  }
}

/**
 * Adds the link to the runbook, where it is known, and completes the suggested commands so that they work as written.
 */
function linking(notifier: Notifier, runbook: string | undefined, named: (text: string) => string): Notifier {
  return {
    ...notifier,
    notify: (message, signal) =>
      notifier.notify(
        {
          ...message,
          facts: message.facts.map(({ label, value }) => ({ label, value: named(value) })),
          next: message.next.map(named),
          ...(runbook !== undefined && { link: `${runbook}#${message.runbook}` }),
        },
        signal,
      ),
  };
}

function namingHook(hook: Hook, named: (text: string) => string): Hook {
  return {
    ...hook,
    call(event, signal) {
      const { error } = event;
      const hint = error?.hint === undefined ? {} : { hint: named(error.hint) };
      return hook.call({ ...event, ...(error && { error: { ...error, ...hint } }) }, signal);
    },
  };
}

/** The error for a further vault that is not configured. */
export function unknownVault(name: string, { vaults }: Pick<Config, 'vaults'>): BackupError {
  const names = Object.keys(vaults);
  return new BackupError('input-invalid', `there is no vault ${name} in the configuration${suggestion(name, names)}`, {
    hint: names.length === 0 ? 'further vaults stand in vaults (docs/copies.md)' : `there are: ${names.join(', ')}`,
  });
}

function sourceConfig({ sources }: Config, name: string): SourceConfig {
  const found = sources.get(name as SourceName);
  if (found !== undefined) return found;
  const names = [...sources.keys()];
  throw new BackupError('input-invalid', `there is no source ${name} in the configuration${suggestion(name, names)}`, {
    hint: `configured are: ${names.join(', ')}`,
  });
}

function openVault(config: VaultConfig, key: string, from: Surroundings, signal: AbortSignal): Promise<OpenVault> {
  return vaultDescriptor(config).open(config, key, from, signal);
}

/** The environment that the user's programs get: no secret is passed on. */
const passedOn = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TZ'];

/** A program with a path is looked up from the configuration's folder, one without in PATH. */
function commandOf([program = '', ...args]: readonly string[], { env, folder, said }: Host): Command {
  const passed = passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  return {
    program: program.includes('/') ? resolve(folder, program) : program,
    args,
    env: Object.fromEntries(passed) as Record<string, string>,
    said,
  };
}
