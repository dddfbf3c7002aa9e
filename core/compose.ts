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
import { lookAtDatabases } from './commands/servers/look.ts';
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
  /** Paths of the configuration are relative to this folder. */
  folder: string;
  identity: Identity;
  /** The folder of the binary layer (/opt in Lambda); asked for when a database program is first needed. */
  layer(signal: AbortSignal): Promise<string>;
  /** What is known of that layer without building or running anything; undefined where nothing is. */
  toolsFacts?(signal: AbortSignal): Promise<ToolsFacts | undefined>;
  /** Takes what programs of the configuration say when they fail: it is for whoever looks at this machine alone. */
  said?: ((line: string) => void) | undefined;
  /** The folder of this user that outlives runs, for keys to lists; absent where nothing does. Throws where there is none. */
  keysFolder?(): Promise<string>;
  /** The runbook that came with the program, where people can open it. */
  runbook?: string | undefined;
  /** `false`: sources that were found by their tag are no business of this host, which may not even read of them. */
  knowsRoster?: boolean | undefined;
  /** Whether it may list the whole vault, as far as it knows: a function of one source may not. */
  listsVault?: boolean;
  /** The configuration, where the commands that a message suggests have to name it. */
  configuration?: string | undefined;
  /** The further vault that is worked in, which they have to name, too. */
  workingIn?: string | undefined;
};

/** Everything that the commands work with. */
export type Nightjar = {
  version: string;
  identity: Identity;
  clock: Clock;
  random: () => number;
  store: Store;
  /** What this machine keeps to read the lists of encrypted backups; absent where it keeps nothing. */
  listKeys: ListKeys | undefined;
  /** The store in a further vault of the configuration. Throws `input-invalid` where it names none so. */
  vault(name: string, signal: AbortSignal): Promise<Store>;
  /** The store in another folder, which need not be there yet; `path` is whole. */
  storeIn(path: string): Promise<Store>;
  /** The configured names, in their order. */
  sourceNames: readonly SourceName[];
  /** The sources of a whole server that are known: what belongs to no database, then its databases. */
  onServer(server: string): SourceName[];
  /** Whole servers at which nobody has looked yet: a check misses them by their own names. */
  unlooked: readonly SourceName[];
  /** Of one of those: what the vault has backups of is among the sources from then on. Reaches no server. */
  recall(server: SourceName, signal: AbortSignal): Promise<void>;
  /** Looks which databases a whole server has now: they are among the sources from then on. */
  lookAt(
    server: SourceName,
    own: Pick<Nightjar, 'store' | 'clock' | 'notifiers'>,
    signal: AbortSignal,
  ): Promise<ServerLooked>;
  /** A source's settings, without reaching anything. Throws `input-invalid` for a name that is not configured. */
  settings(name: string): SourceConfig;
  /** The configuration, and the sources that were found by their tag among its own. */
  config: Config;
  /** What is known of the sources that were found by their tag: they are among the others here. */
  byTag: RosterKnown;
  /** Who is told; their secrets are read when they are. */
  notifiers: readonly Notifier[];
  /** Who is called when a run ends. */
  hooks: readonly Hook[];
  /**
   * A source by name, or, with `database`, another database on its server, or (`drill`) on the one that its drills go
   * to, or (`adopting`) that dumps of others are loaded on, or (`restoring`) on the one that restores in the cloud go
   * to. Throws `input-invalid` for a name or server that is not configured, `secret-missing`, `tools-missing`.
   */
  source(name: string, options: Omit<Opening, 'key'>, signal: AbortSignal): Promise<Source & { database: string }>;
  /**
   * What to know about the database clients, and about the authorities of the configured servers; undefined where
   * nobody could tell. Throws nothing of its own.
   */
  toolsNotices(signal: AbortSignal): Promise<Notice[] | undefined>;
  /** What a restore would ask of the content of a backup of this engine. */
  inspection(engine: string): Promise<Inspection>;
  /** A backup as one text of SQL. Throws `input-invalid` where its engine knows none, and `tools-missing`. */
  plainSql(backup: BackupAsSql, signal: AbortSignal): Promise<ByteStream>;
  /** Lets go of connections. */
  close(): void;
};

/**
 * Puts it all together. Reads the vault's secrets, and nothing else yet. `patient`: that the vault can't be opened is told
 * by whatever is asked of it, and keeps nobody from looking at the rest.
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
      // whatever is done with a vault that can't be reached says so; a new one is made by the first backup
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
    async recall(server, stop) {
      const source = written.servers.get(server)!;
      const recalled = await databasesByBackups(server, source, storeOf(vault), stop);
      for (const [name, one] of sourcesOn(server, source, recalled)) all.set(name, one);
      unlooked = unlooked.filter((one) => one !== server);
    },
    async lookAt(server, own, stop) {
      const source = written.servers.get(server)!;
      const list = (end: AbortSignal) => descriptorOf(source.engine).databases!(source, `sources.${server}`, from, end);
      const isLost = unlooked.includes(server) && host.listsVault !== false;
      const recalled = isLost ? await databasesByBackups(server, source, own.store, stop).catch(notListed) : [];
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

/** Some may not list the whole vault, and a folder is none before the first backup. */
function notListed(error: unknown): never[] {
  if (!isBackupError(error, 'vault-denied', 'vault-unreachable')) throw error;
  return [];
}

/**
 * Who is told, and when it is: what a host needs to tell that putting it all together has failed, or that the
 * configuration is none. Reads nothing.
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
 * The store of a configuration that can't be used otherwise, where its vault can be opened: it remembers that this was
 * told.
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

/** Every message says where its section of the runbook is read, as far as that is known, and commands as they work. */
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

/** There is no further vault of this name. */
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

/** What a program of the user's may know of our environment: no secret is handed on. */
const passedOn = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TZ'];

/** A program with a path is looked for from the configuration's folder, one without it in PATH. */
function commandOf([program = '', ...args]: readonly string[], { env, folder, said }: Host): Command {
  const passed = passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  return {
    program: program.includes('/') ? resolve(folder, program) : program,
    args,
    env: Object.fromEntries(passed) as Record<string, string>,
    said,
  };
}
