import { descriptorOf } from '../../engines/index.ts';
import { longestGapHours } from '../../domain/time/longest-gap.ts';
import { byTagProblems } from './by-tag-problems.ts';
import { awsCronProblem } from './aws-schedule.ts';
import type { Config, ConfigProblem, SourceConfig } from '../config/config.ts';
import type { CloudConfig } from './cloud.ts';
import type { HookConfig, NotifierConfig } from '../config/notify.ts';
import { vaultDescriptor } from '../config/vaults/vault.ts';
import { problem } from '../config/problem.ts';
import { secretProblem } from './secret-problem.ts';
import { regionProblem, sizeProblem } from './unfit.ts';

type Path = ConfigProblem['path'];

/** A day, and the hour by which a day is longer when the clocks change. */
const rarestCheckHours = 25;

const nobodyIsTold =
  'is missing, and so are cloud.slack and notify: nobody would learn that backups fail; write email: ' +
  '[you@example.com], or, if it is meant, notify: none at the top of the file';

/** Why a valid configuration can't be deployed to AWS: all problems at once, each with a remedy; empty if it can. */
export function cloudProblems({
  vault,
  vaults,
  sources,
  servers,
  notify,
  quiet = false,
  hooks,
  cloud,
  defaults,
}: Config): ConfigProblem[] {
  if (cloud === undefined)
    return [
      {
        path: ['cloud'],
        message:
          'is missing: what AWS is to make of this file; at least "cloud: { email: [you@example.com] }" ' +
          '(docs/cloud.md)',
      },
    ];
  return [
    ...vaultDescriptor(vault).cloudProblems(vault, cloud),
    ...copyProblems(vaults, [...sources.values()]),
    ...problem(['cloud', 'region'], regionProblem(cloud.region)),
    ...problem(
      ['cloud', 'email'],
      quiet || cloud.email.length + notify.length > 0 || cloud.slack !== undefined ? undefined : nobodyIsTold,
    ),
    ...[...servers, ...sources]
      // sources that belong to a server are configured there
      .filter(([, { server }]) => server === undefined)
      .flatMap(([name, source]) => sourceProblems(['sources', name], source, cloud)),
    ...byTagProblems({ cloud, defaults, sources }),
    ...notify.flatMap((one, index) => notifierProblems(['notify', index], one)),
    ...hooks.flatMap((one, index) => hookProblems(['hooks', index], one)),
    ...problem(['cloud', 'digest'], cloud.digest === undefined ? undefined : awsCronProblem(cloud.digest)),
    ...problem(
      ['cloud', 'check'],
      awsCronProblem(cloud.check) ??
        (longestGapHours(cloud.check, cloud.timeZone) > rarestCheckHours
          ? 'is too rare: check at least once a day'
          : undefined),
    ),
  ];
}

/** Problems of the vaults that a function copies backups into. */
function copyProblems(vaults: Config['vaults'], sources: readonly SourceConfig[]): ConfigProblem[] {
  const used = new Set(sources.flatMap(({ copies }) => copies.map(({ vault }) => vault)));
  return Object.entries(vaults)
    .filter(([name]) => used.has(name))
    .flatMap(([name, vault]) =>
      vaultDescriptor(vault)
        .copyProblems(vault)
        .map(({ path, message }) => ({ path: ['vaults', name, ...path], message })),
    );
}

function sourceProblems(path: Path, source: SourceConfig, { networks }: CloudConfig): ConfigProblem[] {
  const { watch, encryption, signing, cloud: own } = source;
  const at = (...keys: string[]): Path => [...path, ...keys];
  return [
    ...descriptorOf(source.engine)
      .cloudProblems(source)
      .map(({ path: below, message }) => ({ path: [...path, ...below], message })),
    ...problem(at('cloud', 'size'), sizeProblem(source)),
    ...problem(at('encryption', 'identity'), encryption.identity && secretProblem(encryption.identity)),
    ...problem(at('signing', 'privateKey'), signing.privateKey && secretProblem(signing.privateKey)),
    ...problem(
      at('schedule'),
      watch.schedule === undefined
        ? 'is missing: when backups are made, as "0 2 * * *" (here or in defaults)'
        : awsCronProblem(watch.schedule),
    ),
    ...problem(at('cloud', 'rotate'), own.rotate && awsCronProblem(own.rotate)),
    ...problem(at('cloud', 'drill'), own.drill && awsCronProblem(own.drill)),
    ...problem(
      at('cloud', 'network'),
      own.network !== undefined && !(own.network in networks)
        ? `there is no network ${own.network} in ` +
            `cloud.networks${Object.keys(networks).length === 0 ? '' : `: there is ${Object.keys(networks).join(', ')}`}`
        : undefined,
    ),
    ...problem(
      at('cloud', 'databaseSecurityGroup'),
      own.databaseSecurityGroup && own.network === undefined
        ? 'needs cloud.network: functions on the public internet have no security group to be let in'
        : undefined,
    ),
  ];
}

function notifierProblems(path: Path, { slack, telegram, webhook, command }: NotifierConfig): ConfigProblem[] {
  const secrets = {
    slack: { '': slack },
    telegram: { token: telegram?.token },
    webhook: { url: webhook?.url, key: webhook?.key },
  };
  return [
    ...problem(
      [...path, 'command'],
      command && 'is a program of one machine, which functions do not have: use sns, slack, telegram or webhook',
    ),
    ...Object.entries(secrets).flatMap(([kind, fields]) =>
      Object.entries(fields).flatMap(([key, reference]) =>
        problem([...path, kind, ...(key === '' ? [] : [key])], reference && secretProblem(reference)),
      ),
    ),
  ];
}

function hookProblems(path: Path, { command, heartbeat }: HookConfig): ConfigProblem[] {
  return [
    ...problem(
      [...path, 'command'],
      command && 'is a program of one machine, which functions do not have: use eventBus',
    ),
    ...problem([...path, 'heartbeat'], heartbeat && secretProblem(heartbeat)),
  ];
}
