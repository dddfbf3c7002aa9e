import { longestGapHours } from '../../domain/time/longest-gap.ts';
import { awsCronProblem } from './aws-schedule.ts';
import type { Config, ConfigProblem, SourceConfig } from '../config/config.ts';
import type { CloudConfig } from './cloud.ts';
import type { HookConfig, NotifierConfig } from '../config/notify.ts';
import type { VaultConfig } from '../config/vault.ts';
import { regionProblem, sizeProblem, unfitHost } from './unfit.ts';

type Path = ConfigProblem['path'];

/** A day, and the hour by which one is longer when the clocks change. */
const rarestCheckHours = 25;
const asSecret = '{ secret: name or ARN, field: name }';
const remedyOfSecret = `is of one machine: functions read secrets from AWS Secrets Manager; write ${asSecret}`;

const nobodyIsTold =
  'is missing, and so are cloud.slack and notify: nobody would learn that backups fail; write email: [you@example.com], or, if it is meant, notify: none at the top of the file';

/** Why a valid configuration can't be deployed to AWS, all of it at once, each with a remedy; nothing when it can. */
export function cloudProblems({ vault, sources, notify, quiet = false, hooks, cloud }: Config): ConfigProblem[] {
  if (cloud === undefined)
    return [
      {
        path: ['cloud'],
        message:
          'is missing: what AWS is to make of this file; at least "cloud: { email: [you@example.com] }" (docs/cloud.md)',
      },
    ];
  return [
    ...vaultProblems(vault, cloud),
    ...problem(['cloud', 'region'], regionProblem(cloud.region)),
    ...problem(
      ['cloud', 'email'],
      quiet || cloud.email.length + notify.length > 0 || cloud.slack !== undefined ? undefined : nobodyIsTold,
    ),
    ...[...sources].flatMap(([name, source]) => sourceProblems(['sources', name], source, cloud)),
    ...notify.flatMap((one, index) => notifierProblems(['notify', index], one)),
    ...hooks.flatMap((one, index) => hookProblems(['hooks', index], one)),
    ...problem(
      ['cloud', 'check'],
      awsCronProblem(cloud.check) ??
        (longestGapHours(cloud.check, cloud.timeZone) > rarestCheckHours
          ? 'is too rare: check at least once a day'
          : undefined),
    ),
  ];
}

function problem(path: Path, message: string | undefined): ConfigProblem[] {
  return message === undefined ? [] : [{ path, message }];
}

function vaultProblems(vault: VaultConfig, cloud: CloudConfig): ConfigProblem[] {
  if (vault.kind === 'folder')
    return [
      {
        path: ['vault'],
        message: 'is a folder, which functions do not have: write a bucket, as s3://acme-backups/prod',
      },
    ];
  const at = (key: string): Path => ['vault', 's3', key];
  return [
    ...problem(
      at('endpoint'),
      vault.endpoint && 'is a store outside of AWS: functions write into a bucket of S3; leave it out',
    ),
    ...problem(at('ca'), vault.ca && 'goes with endpoint: leave it out'),
    ...problem(
      at('accessKeyId'),
      vault.accessKeyId &&
        'functions have a role of their own, and need no keys: leave accessKeyId and secretAccessKey out',
    ),
    ...problem(
      at('prefix'),
      /^[\w./=+@,~-]*$/.test(vault.prefix)
        ? undefined
        : 'may hold letters, digits and . / _ = + @ , ~ - here: it stands in the rights of the functions, where others mean something',
    ),
    ...problem(
      at('kmsKey'),
      vault.kmsKey !== undefined && !/^arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/.test(vault.kmsKey)
        ? 'expected the ARN of a key (arn:aws:kms:…:key/…): rights are given on it, and an alias has none'
        : undefined,
    ),
    ...problem(
      at('region'),
      cloud.bucket === 'create' && vault.region !== undefined && vault.region !== cloud.region
        ? `the stack makes the bucket in its own region: write cloud.region: ${vault.region}`
        : undefined,
    ),
    ...problem(
      ['cloud', 'encryption'],
      cloud.encryption === 's3' && vault.kmsKey !== undefined
        ? 'is s3, and vault.s3.kmsKey names a key: leave one of the two out'
        : undefined,
    ),
    ...problem(
      ['cloud', 'objectLock'],
      cloud.objectLock && cloud.bucket === 'existing'
        ? 'is for a bucket that the stack makes: set it on the existing one yourself'
        : undefined,
    ),
  ];
}

function sourceProblems(path: Path, source: SourceConfig, { networks }: CloudConfig): ConfigProblem[] {
  const { server, engine, watch, encryption, drill, cloud: own } = source;
  const at = (...keys: string[]): Path => [...path, ...keys];
  const isIam = server.password === 'iam';
  return [
    ...problem(at(engine, 'host'), hostProblem(server.host) ?? unfitHost(source)),
    ...problem(at('cloud', 'size'), sizeProblem(source)),
    ...problem(
      at(engine, 'user'),
      typeof server.user === 'string'
        ? isIam && !/^[\w.@-]+$/.test(server.user)
          ? 'may hold letters, digits and _ . @ - with iam: it stands in the rights of the functions'
          : undefined
        : isIam
          ? 'with iam the right to log in is given for one user: write its name here'
          : secretProblem(server.user),
    ),
    ...problem(
      at(engine, 'password'),
      server.password === undefined || server.password === 'iam' ? undefined : secretProblem(server.password),
    ),
    ...problem(at(engine, 'tls', 'ca'), authorityProblem(server.tls)),
    ...problem(at('encryption', 'identity'), encryption.identity && secretProblem(encryption.identity)),
    ...problem(
      at('cloud', 'resourceId'),
      isIam && own.resourceId === undefined
        ? 'is missing: the resource id of the RDS instance (db-…) or cluster (cluster-…), for password: iam'
        : undefined,
    ),
    ...problem(
      at('schedule'),
      watch.schedule === undefined
        ? 'is missing: when backups are made, as "0 2 * * *" (here or in defaults)'
        : awsCronProblem(watch.schedule),
    ),
    ...problem(at('cloud', 'rotate'), own.rotate && awsCronProblem(own.rotate)),
    ...problem(at('cloud', 'drill'), own.drill && awsCronProblem(own.drill)),
    ...(watch.drillEveryMs === undefined ? [] : drillServerProblems(at('drill', 'server'), drill.server)),
    ...problem(
      at('cloud', 'network'),
      own.network !== undefined && !(own.network in networks)
        ? `there is no network ${own.network} in cloud.networks${Object.keys(networks).length === 0 ? '' : `: there is ${Object.keys(networks).join(', ')}`}`
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

/** What functions can't do with the server that drills go to. */
function drillServerProblems(path: Path, server: SourceConfig['drill']['server']): ConfigProblem[] {
  if (server === undefined) return [];
  const { host, user, password, tls } = server;
  return [
    ...problem([...path, 'host'], hostProblem(host)),
    ...problem([...path, 'user'], typeof user === 'string' ? undefined : secretProblem(user)),
    ...problem(
      [...path, 'password'],
      password === 'iam'
        ? `can't be iam here: the right to log in is given on the source’s own server alone; write ${asSecret}`
        : password && secretProblem(password),
    ),
    ...problem([...path, 'tls', 'ca'], authorityProblem(tls)),
  ];
}

function hostProblem(host: string): string | undefined {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)
    ? 'is the function itself: write a name or address that functions reach'
    : undefined;
}

function authorityProblem(tls: SourceConfig['server']['tls']): string | undefined {
  return typeof tls === 'object' && /^([/~]|.*\.\.)/.test(tls.ca)
    ? 'must lie beside the configuration or below it: it goes into the functions with it'
    : undefined;
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

function secretProblem(reference: object): string | undefined {
  if ('env' in reference) return `a variable ${remedyOfSecret}`;
  if ('file' in reference) return `a file ${remedyOfSecret}`;
  // a name stands in the rights of the functions, where * and ? mean something (Secrets Manager, CreateSecret)
  return 'secret' in reference &&
    !/^(arn:[\w-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[\w/+=.@!-]+$/.test(String(reference.secret))
    ? 'is no name or ARN of a secret in AWS Secrets Manager'
    : undefined;
}
