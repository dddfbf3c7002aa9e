import { descriptorOf, engineNames } from '../../core/engines/index.ts';
import type { Schema } from './schema.ts';

const introduction = `# Configuration

<!-- Made from core/contract by bin/build-docs.ts: change it there. -->

One file, \`nightjar.yaml\` (YAML 1.2, or JSON), says where backups are kept and what is backed up. Nightjar looks for it in the
current folder, or takes the one that \`--config\` names. Paths in it are relative to it.

A key that is not known is an error, and so is a key that stands twice. All problems are told at once, each with its path and line.
An editor that knows YAML schemas completes and checks the file: [nightjar.schema.json](nightjar.schema.json).
`;

/** `docs/configuration.md`: a whole example, then every key. */
export function configurationDocs(schema: Schema, example: string): string {
  const { vault, defaults, sources, notify, hooks, cloud } = schema.properties ?? {};
  const networks = groupOf(cloud?.properties?.['networks']?.additionalProperties);
  const long = inGroup(vault);
  const source = groupOf(sources?.additionalProperties);
  const drillServer = defaults?.properties?.['drill']?.properties?.['server'];
  const notifier = notify?.anyOf?.find(({ items }) => items !== undefined)?.items;
  return [
    introduction,
    `\`\`\`yaml\n${example.replace(/^# .*\n/gm, '').trim()}\n\`\`\`\n`,
    section('The whole file', '', schema),
    section(
      '`vault`',
      'As text it is the path of a folder, or `s3://bucket/prefix`. The long form is one of these keys:',
      long,
    ),
    ...Object.entries(long.properties ?? {})
      .filter(([, { properties }]) => properties !== undefined)
      .map(([name, keys]) => section(`\`vault.${name}\``, '', keys)),
    section(
      '`vault.s3.objectLock`',
      'What it does, and what it takes: [rotation.md](rotation.md#versions-and-locks).',
      long.properties?.['s3']?.properties?.['objectLock'],
    ),
    section('`sources.<name>`', 'Each source has exactly one engine; every other key goes over `defaults`.', source),
    ...engineNames.map((name) => section(`\`${name}\``, descriptorOf(name).note ?? '', source.properties?.[name])),
    section(
      '`tls`',
      `${drillServer?.properties?.['tls']?.description ?? ''} As a group of keys:`,
      inGroup(drillServer?.properties?.['tls']),
    ),
    section(
      '`notify`',
      'The word `none`, or a list; each entry of it has exactly one of these keys. How to set each of them up, ' +
        'and how to read what they send: [alerts.md](alerts.md). `nightjar notify` sends a test.',
      notifier,
    ),
    section('`notify` `telegram`', '', notifier?.properties?.['telegram']),
    section('`notify` `webhook`', '', notifier?.properties?.['webhook']),
    section(
      '`hooks`',
      'A list; each entry is an `eventBus`, a `command` or a `heartbeat`. A hook that fails is a failure of the ' +
        'run. What they get: [alerts.md](alerts.md#events).',
      hooks?.items,
    ),
    section(
      'Secrets',
      'A password never stands in the file: what stands there is where it is kept, by exactly one of `env`, ' +
        '`file` and `secret`. A secret is read when it is needed, and appears in no message, argument or ' +
        'manifest. Who else may read a secret file is yours to set.',
      inGroup(drillServer?.properties?.['password']),
    ),
    section('`defaults`', 'Durations carry a unit: `ms`, `s`, `m` (minutes), `h`, `d`, `w`.', defaults),
    section(
      '`retention`',
      'Numbers count periods that have a backup, not days of the calendar, as in restic. `0` switches a tier ' +
        'off. A source’s own keys go over those of `defaults`; a `count` takes the place of all the others.',
      defaults?.properties?.['retention'],
    ),
    section(
      '`rotation`',
      'What `nightjar rotate` heeds, and what it refuses: [rotation](rotation.md).',
      defaults?.properties?.['rotation'],
    ),
    section(
      '`copies`',
      'A list; each entry is the name of a vault in `vaults`, or these keys: [copies.md](copies.md).',
      defaults?.properties?.['copies']?.items?.anyOf?.find(({ properties }) => properties !== undefined),
    ),
    section(
      '`encryption`',
      'To whom backups are encrypted, in the format of age: [encryption.md](encryption.md).',
      defaults?.properties?.['encryption'],
    ),
    section(
      '`signing`',
      'By whom backups are signed, and whose signatures are taken: [signing.md](signing.md).',
      defaults?.properties?.['signing'],
    ),
    section(
      '`drill`',
      'How `nightjar drill` tries a backup: [drill.md](drill.md). How often one is asked for is `drillEvery`.',
      defaults?.properties?.['drill'],
    ),
    section('`drill` `server`', 'The same keys as a source’s own server, without a database.', drillServer),
    section(
      '`shrink`',
      'The newest backup is compared with the most that three full ones in a row have held. That only grows, ' +
        'until `nightjar accept`; see [freshness](freshness.md).',
      defaults?.properties?.['shrink'],
    ),
    section(
      '`cloud`',
      'What `cdk deploy` makes of the file on AWS: [cloud.md](cloud.md). The command line and the functions ' +
        'read the file and leave this out, but for what `byTag` has found.',
      cloud,
    ),
    section('`cloud` `objectLock`', '', cloud?.properties?.['objectLock']),
    section('`cloud` `slack`', '', cloud?.properties?.['slack']),
    section('`cloud` `byTag`', 'Databases that need not stand in the file.', cloud?.properties?.['byTag']),
    section(
      '`cloud` `networks.<name>`',
      'Networks that are there already; functions run in them to reach databases that have no public address.',
      networks,
    ),
    section('`cloud` of a source', 'In `defaults` too.', defaults?.properties?.['cloud']),
  ].join('\n');
}

function section(title: string, text: string, schema: Schema | undefined): string {
  const { properties = {}, required = [] } = schema ?? {};
  const rows = Object.entries(properties).map(
    ([key, property]) =>
      `| \`${key}\` | ${kindOf(property)} | ${required.includes(key) ? 'required' : defaultOf(property)} | ` +
      `${property.description ?? ''} |`,
  );
  return `## ${title}\n\n${text === '' ? '' : `${text}\n\n`}| key | value | default | |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

function kindOf({ type, enum: values, minimum, maximum, pattern, anyOf, properties, items }: Schema): string {
  if (anyOf !== undefined) return anyOf.map(kindOf).join(' or ');
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  if (properties !== undefined) return properties['env'] === undefined ? 'keys' : '[secret](#secrets)';
  if (type === 'integer') return maximum === undefined ? `number ≥ ${minimum}` : `number ${minimum} to ${maximum}`;
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'object') return 'keys';
  if (type === 'array')
    return items?.type === 'string' ? `list of ${items.enum === undefined ? 'texts' : kindOf(items)}` : 'list';
  return pattern?.includes('ms|s') ? 'duration' : 'text';
}

function defaultOf({ default: value }: Schema): string {
  return value === undefined || value === '' || typeof value === 'object' ? '' : `\`${String(value)}\``;
}

/** The long form of a value that also has a short one. */
function inGroup(schema: Schema | undefined): Schema {
  return schema?.anyOf?.find(({ properties }) => properties !== undefined) ?? {};
}

function groupOf(schema: Schema | boolean | undefined): Schema {
  return typeof schema === 'object' ? schema : {};
}
