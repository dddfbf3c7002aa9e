import * as z from 'zod';
import type { SourceName } from '../../domain/keys.ts';
import { sourceSegment } from '../../domain/layout/places.ts';
import { descriptorOf, engineNames, engines } from '../../engines/index.ts';
import type { EngineName, EngineSchema } from '../../engines/index.ts';
import { cloudSchema } from '../cloud/cloud.ts';
import type { CloudConfig } from '../cloud/cloud.ts';
import { hooksSchema, notifyOrNoneSchema, notifySchema } from './notify.ts';
import type { HookConfig, NotifierConfig } from './notify.ts';
import { always, countOf, expected, expectedUnseen, group, hiddenKeys } from './fields.ts';
import type { ConfigProblem } from './problem.ts';
import { signingProblem } from './settings/signing.ts';
import { defaultsSchema, settingsOf, settingsShape } from './settings/settings.ts';
import type { Settings } from './settings/settings.ts';
import { copiesProblems, samePlaces, vaultsSchema } from './vaults/copies.ts';
import { besideServers, globalsSources, wholeServer } from './sources/whole-servers.ts';
import type { SourceConfig } from './sources/whole-servers.ts';
import { keepsNothing } from './rotation/retention.ts';
import { rotationProblems } from './rotation/problems.ts';
import { vaultSchema } from './vaults/vault.ts';
import type { VaultConfig } from './vaults/vault.ts';

/** Each engine is a key of a source. */
const engineKeys = Object.fromEntries(
  Object.entries(engines).map(([name, { schema, about }]) => [name, schema.optional().describe(about)]),
) as { [Name in EngineName]: z.ZodOptional<EngineSchema<Name>> };

const source = group('a source', { ...engineKeys, ...settingsShape }).superRefine((value, context) => {
  if (countOf(value, engineNames) !== 1) context.addIssue(`expected exactly one engine: ${oneOf(engineNames)}`);
  const elsewhere = engineNames.every((name) => value[name] === undefined || engines[name].drillsElsewhere);
  if (!elsewhere && value.drill?.server !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['drill', 'server'],
      message: 'this engine has no servers: leave it out',
    });
}, always);

const runbook = z
  .string({ error: expected('a URL') })
  .refine((value) => ['http:', 'https:'].includes(URL.parse(value)?.protocol ?? '') && !value.includes('#'), {
    error: expected('an http or https URL without #section'),
  });

const sources = z
  .record(z.string(), source, {
    error: expectedUnseen('the sources, a group of keys: a name for each, and what it is'),
  })
  .superRefine((value, context) => {
    if (Object.keys(value).length === 0) context.addIssue('names no source');
    for (const [name, problem] of wrongNames(Object.keys(value)))
      context.addIssue({ code: 'custom', path: [name], message: problem });
  }, always);

/** `a, b or c`. Made for a message alone, for it takes 10 ms. */
function oneOf(names: readonly string[]): string {
  return new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(names);
}

/** `nightjar.yaml`: where backups are kept, and what is backed up. */
export const configSchema = group(
  'the configuration',
  {
    vault: vaultSchema.describe('Where backups are kept.'),
    vaults: vaultsSchema
      .default({})
      .describe('Further vaults by name, for `copies` and `--vault`: each is written as `vault` is.'),
    defaults: defaultsSchema.prefault({}).describe('Settings of every source that does not say otherwise.'),
    sources: sources.describe(
      'What is backed up: a name of your choice for each database, then its engine and its settings.',
    ),
    notify: notifyOrNoneSchema
      .default([])
      .describe(
        'Who is told when something is wrong, and when it is over. `none`: nobody, and that is meant; a stack on ' +
          'AWS that tells nobody is refused without it.',
      ),
    hooks: hooksSchema.default([]).describe('Who is called whenever a run has ended, well or badly.'),
    runbook: runbook
      .optional()
      .describe('Where people read docs/runbook.md: messages link its sections there. Without it, they name the file.'),
    cloud: cloudSchema.optional().describe('What `cdk deploy` makes on AWS. The command line ignores it.'),
  },
  { elsewhere: { keys: Object.keys(defaultsSchema.shape), where: '`defaults` or in a source' } },
)
  .superRefine(({ vault, vaults, defaults, sources: all }, context) => {
    for (const { name, other } of samePlaces(vault, vaults))
      context.addIssue({
        code: 'custom',
        path: ['vaults', name],
        message: `lies in the same place as ${other}: a copy there would be none`,
      });
    const servers = Object.keys(all).filter((name) =>
      engineNames.some((engine) => {
        const at = all[name]![engine];
        return at !== undefined && wholeServer({ engine, at } as SourceConfig) !== undefined;
      }),
    );
    for (const [name, message] of besideServers(Object.keys(all), servers))
      context.addIssue({ code: 'custom', path: ['sources', name], message });
    for (const [name, own] of Object.entries(all)) {
      const settings = settingsOf(defaults, own);
      const path = ['sources', name];
      const unsigned = signingProblem(settings.signing);
      if (unsigned !== undefined) context.addIssue({ code: 'custom', path: [...path, 'signing'], message: unsigned });
      if (keepsNothing(settings.retention))
        context.addIssue({
          code: 'custom',
          path: [...path, 'retention'],
          message: 'keeps nothing: at least one number must be above 0',
        });
      else
        for (const message of rotationProblems(settings))
          context.addIssue({ code: 'custom', path: [...path, 'rotation', 'maxShare'], message });
      const written = own.copies === undefined ? ['defaults'] : path;
      for (const message of copiesProblems(settings.copies, vaults))
        context.addIssue({ code: 'custom', path: [...written, 'copies'], message });
    }
  })
  .transform(
    ({ vault, vaults, defaults, sources: all, notify, hooks, runbook: readAt, cloud }): Config => ({
      vault,
      vaults,
      notify: notify === 'none' ? [] : notify,
      ...(notify === 'none' && { quiet: true }),
      hooks,
      ...(readAt !== undefined && { runbook: readAt }),
      cloud,
      defaults,
      ...sourcesOf(
        Object.entries(all).map(([name, own]) => [name as SourceName, sourceWith(own, { defaults, cloud })]),
      ),
    }),
  );

/** The settings of a file that apply to every source. */
type OfEvery = Pick<Config, 'defaults' | 'cloud'>;

/**
 * The configuration knows only those sources of a whole server that belong to no database; its databases are known
 * after listing them.
 */
function sourcesOf(all: [SourceName, SourceConfig][]): Pick<Config, 'sources' | 'servers'> {
  return {
    sources: new Map(
      all.flatMap(([name, one]) => (wholeServer(one) === undefined ? [[name, one]] : globalsSources(name, one))),
    ),
    servers: new Map(all.filter(([, one]) => wholeServer(one) !== undefined)),
  };
}

/** A source with the settings that the file gives all of them. */
function sourceWith(own: z.infer<typeof source>, { defaults, cloud }: OfEvery): SourceConfig {
  const settings = settingsOf(defaults, own);
  return sourceOf(own, { ...settings, watch: withinWindow(settings.watch, cloud) });
}

/** A source written elsewhere in the form of the file; undefined if it is invalid. */
export function sourceElsewhere(written: unknown, every: OfEvery): SourceConfig | undefined {
  const own = source.safeParse(written).data;
  return own && sourceWith(own, every);
}

/** A source with the one engine that it names. */
function sourceOf(own: z.infer<typeof source>, settings: Settings): SourceConfig {
  const engine = engineNames.find((key) => own[key] !== undefined)!;
  const at = own[engine];
  const { server } = descriptorOf(engine).describe({ ...settings, at });
  return { ...settings, engine, at, ...(server !== undefined && { on: server.host }) } as SourceConfig;
}

/** AWS starts a run at some moment within its window, so a backup is not late before the window is over. */
function withinWindow(watch: Settings['watch'], cloud: CloudConfig | undefined): Settings['watch'] {
  if (cloud === undefined) return watch;
  const windowMs = cloud.flexibleWindow;
  return { ...watch, windowMs, limit: 'ms' in watch.limit ? watch.limit : { ...watch.limit, windowMs } };
}

/** A valid configuration. Paths in it are as written: relative to its file. */
export type Config = {
  vault: VaultConfig;
  /** Further vaults, by name. */
  vaults: Readonly<Record<string, VaultConfig>>;
  sources: ReadonlyMap<SourceName, SourceConfig>;
  /** Sources that are whole servers; what is on them is backed up as separate sources. */
  servers: ReadonlyMap<SourceName, SourceConfig>;
  notify: readonly NotifierConfig[];
  /** The file states that nobody is to be notified. */
  quiet?: boolean;
  hooks: readonly HookConfig[];
  runbook?: string | undefined;
  cloud?: CloudConfig | undefined;
  /** Settings for sources that are not in the file. */
  defaults: z.infer<typeof defaultsSchema>;
};

export type { ConfigProblem, SourceConfig };

/** Reads a parsed document: the configuration, or all its problems in the order of the document. */
export function checkConfig(document: unknown): { config: Config } | { problems: ConfigProblem[] } {
  // read once, so that compiled code for each of its groups would cost more than it saves
  const result = configSchema.safeParse(document, { jitless: true });
  if (result.success) return { config: result.data };
  const problems = result.error.issues.flatMap(problemsOf);
  const hidden = new Set(
    problems.filter(({ message }) => message.startsWith(hiddenKeys)).map(({ path }) => path.join('\n')),
  );
  return {
    problems: problems.filter(({ path, message }) => message.startsWith(hiddenKeys) || !hidden.has(path.join('\n'))),
  };
}

/** Who is notified that the configuration can't be used. */
export type ToldBy = Pick<Config, 'notify' | 'hooks' | 'runbook'> & {
  vault?: VaultConfig | undefined;
  /** The names under `sources`, whatever they hold. */
  sources: ReadonlyMap<string, unknown>;
};

/** The valid notifiers and hooks of an invalid document: a mistake elsewhere in it must still be reported. */
export function toldBy(document: unknown): ToldBy {
  const {
    vault,
    sources,
    notify,
    hooks,
    runbook: readAt,
  } = (typeof document === 'object' && document !== null ? document : {}) as Record<string, unknown>;
  return {
    vault: vaultSchema.safeParse(vault).data,
    notify: valid(notify, notifySchema),
    hooks: valid(hooks, hooksSchema),
    runbook: runbook.safeParse(readAt).data,
    sources: new Map(typeof sources === 'object' && sources !== null ? Object.entries(sources) : []),
  };
}

function valid<T>(list: unknown, schema: z.ZodType<T[]>): T[] {
  return (Array.isArray(list) ? list : []).flatMap((entry) => schema.safeParse([entry]).data ?? []);
}

function problemsOf(issue: z.core.$ZodIssue): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) => {
      const message = messages[index] ?? messages[0]!;
      return { path: message.startsWith(hiddenKeys) ? issue.path : [...issue.path, key], message };
    });
  }
  if (issue.code !== 'invalid_union') return [{ path: issue.path, message: issue.message }];
  // of the forms that a value may have, the one of its kind says what is wrong with it
  const inside = issue.errors.find((branch) =>
    branch.every(({ path, code }) => path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value')),
  );
  if (inside === undefined || inside.length === 0) return [{ path: issue.path, message: issue.message }];
  return inside.flatMap(problemsOf).map(({ path, message }) => ({ path: [...issue.path, ...path], message }));
}

/** Names that sources can't have, each with the reason. */
export function wrongNames(names: string[]): [string, string][] {
  return names.flatMap((name, index): [string, string][] => {
    const twin = names.slice(0, index).find((other) => other.toLowerCase() === name.toLowerCase());
    if (twin !== undefined)
      return [[name, `is the same name as ${twin}: not every file system tells capitals from small letters`]];
    if (!/^[^\p{Cc}\s-]([^\p{Cc}]*[^\p{Cc}\s])?$/u.test(name) || !name.isWellFormed())
      return [
        [
          name,
          "can't be a source's name: it is empty, or begins or ends with a blank, or begins with -, or holds a " +
            'control character',
        ],
      ];
    return sourceSegment(name as SourceName).length > 200 ? [[name, 'is too long for a name']] : [];
  });
}
