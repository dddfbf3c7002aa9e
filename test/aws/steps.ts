import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './account.ts';
import type { Answer } from './account.ts';
import { bucketOf, configurationFor } from './databases.ts';
import type { Outputs } from './databases.ts';
import { keyOfBucket, removeBucket, removeKey } from './bucket.ts';
import { alarmsIn, outputsOf, removeStack, resourcesIn, scheduleNow, switched } from './stacks.ts';
import { step } from './runner.ts';
import type { Prover, Step } from './runner.ts';

const minuteMs = 60_000;
const sources = ['shop', 'blog', 'ledger'] as const;
type Source = (typeof sources)[number];
type Answers = Record<string, Answer>;

const databases = ({ run }: { run: string }): string => `${run}-databases`;
const job = ({ run }: { run: string }, verb: string, source?: Source): string =>
  [run, verb, ...(source === undefined ? [] : [source])].join('-');
const secretOf = (source: Source): string => `${source[0]!.toUpperCase()}${source.slice(1)}Secret`;

const rows = 2_000;
const fill: Record<'postgres' | 'mariadb', string[]> = {
  postgres: [
    'create table if not exists orders (id int primary key, what text)',
    `insert into orders select n, 'order ' || n from generate_series(1, ${rows}) n on conflict do nothing`,
  ],
  mariadb: [
    'create table if not exists orders (id int primary key, what text)',
    `insert ignore into orders select seq, concat('order ', seq) from seq_1_to_${rows}`,
  ],
};

/** What is tried, in this order; prices are those of eu-west-1, rounded up. */
export const steps: readonly Step[] = [
  step({
    name: 'bootstrapped',
    assumed: 'the account has been bootstrapped for CDK in this region',
    vital: true,
    do: async ({ call }) =>
      json<{ Parameter: { Value: string } }>(
        await call({
          service: 'ssm',
          headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.GetParameter' },
          body: JSON.stringify({ Name: '/cdk-bootstrap/hnb659fds/version' }),
        }),
      ),
    judge: ({ Parameter: { Value } }) => (Number(Value) >= 6 ? [] : [`version ${Value}: run npx cdk bootstrap`]),
  }),
  step({
    name: 'databases',
    assumed: 'PostgreSQL 17, MariaDB 11.4 and Aurora PostgreSQL 16 with two readers, in a network without internet',
    vital: true,
    // 2 × t4g.micro with 20 GB, 3 × t4g.medium of Aurora, 4 network interfaces of endpoints
    price: { hourly: 0.45, once: 0.1 },
    async do(prover, signal) {
      const app = `node ${join(import.meta.dirname, 'app.ts')}`;
      const name = databases(prover);
      await prover.cdk(['deploy', name, '--app', app, '-c', `stack=${name}`, '--require-approval', 'never'], signal);
      return outputsOf(name, prover);
    },
    judge: (at: Outputs) => lacking(at, ['Shop', 'Blog', 'Ledger', 'LedgerReaders', 'ToldUrl', 'Sql']),
    undo: {
      do: async (prover, signal) => removeStack(databases(prover), prover, signal),
      command: (prover) =>
        `aws cloudformation delete-stack --region ${prover.region} --stack-name ${databases(prover)}`,
    },
  }),
  step({
    name: 'stack',
    assumed: 'the stack of nightjar.yaml deploys: names, rules, endpoints, quotas',
    vital: true,
    price: { hourly: 0.02, once: 0.6 }, // the key, the alarms and the dashboard by the hour, some runs
    async do(prover, signal) {
      const file = join(prover.folder, `${prover.run}.yaml`);
      const config = configurationFor(await outputsOf(databases(prover), prover), prover);
      await writeFile(file, JSON.stringify(config, undefined, 2));
      await prover.cdk(['deploy', prover.run, '-c', `config=${file}`, '--require-approval', 'never'], signal);
      return resourcesIn(prover.run, 'AWS::Lambda::Function', prover);
    },
    judge: (functions: string[]) => (functions.length >= 11 ? [] : [`${functions.length} functions, and not 11`]),
    undo: { do: removeNightjar, command: removalOf },
  }),
  step({
    name: 'filled',
    assumed: 'a function in the network reaches the databases and their secrets',
    do: async (prover) => each((source) => sql(prover, source, fill[engineOf(source)])),
    judge: (answers) => failed(answers),
  }),
  step({
    name: 'doctor',
    assumed: 'each backup function has the way, the login and the rights that it needs',
    do: async (prover) => each((source) => prover.invoke(job(prover, 'backup', source), { source, doctor: true })),
    judge: (answers) => differing(answers, ({ ok }) => ok === true),
  }),
  step({
    name: 'backup',
    assumed: 'each source is stored',
    do: async (prover) => each((source) => prover.invoke(job(prover, 'backup', source), { source })),
    judge: (answers) => differing(answers, ({ status }) => status === 'stored'),
  }),
  step({
    name: 'readers',
    assumed: 'three backups through the name of two readers: one address for a run, so that its snapshot is there',
    async do(prover) {
      const answers: Answers = {};
      for (const nth of ['first', 'second', 'third'])
        answers[nth] = await prover.invoke(job(prover, 'backup', 'ledger'), { source: 'ledger' });
      return answers;
    },
    judge: (answers) => differing(answers, ({ status }) => status === 'stored'),
  }),
  step({
    name: 'drill',
    assumed: 'each newest backup is restored beside its database, proven equal and dropped',
    do: async (prover) => each((source) => prover.invoke(job(prover, 'drill', source), { source })),
    judge: (answers) => differing(answers, ({ status }) => status === 'drilled'),
  }),
  step({
    name: 'restore',
    assumed: 'a restore into a new database holds every row, as that server counts them',
    async do(prover) {
      const to = 'shop_restored';
      const answer = await prover.invoke(job(prover, 'restore', 'shop'), { source: 'shop', to, owners: false });
      return { answer, counted: await sql(prover, 'shop', ['select count(*)::int as n from orders'], to) };
    },
    judge: ({ counted }) => wrongCount(counted, rows),
  }),
  step({
    name: 'replaced once',
    assumed: 'the same invoke twice replaces a database once: a row that was written between the two is there',
    async do(prover) {
      const event = { source: 'blog', to: 'blog', replace: true, confirm: 'blog', owners: false };
      const function_ = job(prover, 'restore', 'blog');
      const first = await prover.invoke(function_, event);
      await sql(prover, 'blog', [`replace into orders values (${rows + 1}, 'between the two')`]);
      const second = await prover.invoke(function_, event);
      return { first, second, counted: await sql(prover, 'blog', ['select count(*) as n from orders']) };
    },
    judge: ({ second, counted }) => [
      ...(second.status === 'repeated' ? [] : [`the second answered ${JSON.stringify(second).slice(0, 200)}`]),
      ...wrongCount(counted, rows + 1),
    ],
  }),
  step({
    name: 'killed',
    assumed:
      'a run that Lambda kills at its limit rings the alarm “failed”, dated as Lambda dates it; the next one stores',
    async do(prover, signal) {
      const name = job(prover, 'backup', 'shop');
      const before = await limited(name, 1, prover, signal);
      await prover.invoke(name, { source: 'shop' });
      await limited(name, before, prover, signal);
      const after = await until('a backup after the kill', 10 * minuteMs, signal, async () =>
        stored(await prover.invoke(name, { source: 'shop' })),
      );
      const rang = await until('the alarm', 30 * minuteMs, signal, async () => {
        const found = (await alarmsIn(prover.run, prover)).find(({ name: alarm }) => alarm.endsWith('-failed-shop'));
        return found?.state === 'ALARM' ? found.name : undefined;
      });
      return { after, rang };
    },
    judge: () => [],
  }),
  step({
    name: 'fired',
    assumed: 'the Scheduler fills in the moment that it meant, and its role may start the function',
    async do(prover, signal) {
      const newest = async (): Promise<unknown> => newestOf(await prover.invoke(job(prover, 'check'), {}));
      const before = await newest();
      await scheduleNow('backup-shop', prover);
      return until('a backup by schedule', 15 * minuteMs, signal, async () => {
        const now = await newest();
        return now === before ? undefined : { before, now };
      });
    },
    judge: () => [],
  }),
  step({
    name: 'looked at',
    assumed: 'the check may list schedules and databases: it names one that is off, and none that is a source',
    async do(prover) {
      const before = await switched('rotate-blog', 'DISABLED', prover);
      const { notices = [] } = await prover.invoke(job(prover, 'check'), {});
      await switched('rotate-blog', before, prover);
      const at = await outputsOf(databases(prover), prover);
      const own = sources.map((source) => at[`${source[0]!.toUpperCase()}${source.slice(1)}`]!.split('.')[0]!);
      return { notices: notices as string[], own };
    },
    judge: ({ notices, own }) => [
      ...(notices.some((one) => one.includes('rotate-blog is switched off')) ? [] : ['a schedule that is off: unseen']),
      ...notices.filter((one) => one.includes("can't be looked at") || own.some((name) => one.includes(` ${name} `))),
    ],
  }),
  step({
    name: 'alarms',
    assumed: 'every alarm of the stack reaches the topic, and whoever listens to it',
    async do(prover, signal) {
      const topic = (await outputsOf(prover.run, prover))['BackupsTopicArn']!;
      const { ToldArn, ToldUrl } = (await outputsOf(databases(prover), prover)) as { ToldArn: string; ToldUrl: string };
      await prover.query('sns', 'Subscribe', { TopicArn: topic, Protocol: 'sqs', Endpoint: ToldArn });
      const names = (await alarmsIn(prover.run, prover)).map(({ name }) => name);
      const deaf = new Set(names);
      for (const AlarmName of names)
        for (const StateValue of ['OK', 'ALARM'])
          await prover.query('monitoring', 'SetAlarmState', { AlarmName, StateValue, StateReason: 'aws:prove' });
      await until('all alarms', 10 * minuteMs, signal, async () => {
        for (const text of await received(ToldUrl, prover))
          for (const name of deaf) if (text.includes(name)) deaf.delete(name);
        return deaf.size === 0 ? true : undefined;
      }).catch(() => undefined);
      return { alarms: names.length, deaf: [...deaf] };
    },
    judge: ({ alarms, deaf }) => [
      ...(alarms === 0 ? ['there is no alarm'] : []),
      ...deaf.map((name) => `${name}: unheard`),
    ],
  }),
];

async function each(ask: (source: Source) => Promise<Answer>): Promise<Answers> {
  return Object.fromEntries(await Promise.all(sources.map(async (source) => [source, await ask(source)] as const)));
}

function differing(answers: Answers, isGood: (answer: Answer) => boolean): string[] {
  return Object.entries(answers).flatMap(([of, answer]) =>
    isGood(answer) ? [] : [`${of}: ${JSON.stringify(answer).slice(0, 300)}`],
  );
}

const failed = (answers: Answers): string[] => differing(answers, ({ errorType }) => errorType === undefined);
const lacking = (at: Outputs, names: readonly string[]): string[] =>
  names.filter((name) => !at[name]).map((name) => `no output ${name}`);
const json = <T>(text: string): T => JSON.parse(text) as T;
const engineOf = (source: Source) => (source === 'blog' ? 'mariadb' : 'postgres');
const stored = (answer: Answer): Answer | undefined => (answer.status === 'stored' ? answer : undefined);

async function sql(prover: Prover, source: Source, statements: string[], database: string = source): Promise<Answer> {
  const at = await outputsOf(databases(prover), prover);
  const event = { secret: at[secretOf(source)], engine: engineOf(source), database, statements };
  return prover.invoke(at['Sql']!, event);
}

function wrongCount({ rows: found }: Answer, n: number): string[] {
  const counted = Number((found as { n: number }[] | undefined)?.[0]?.n);
  return counted === n ? [] : [`${counted} rows, and not ${n}`];
}

function newestOf({ sources: checked }: Answer): unknown {
  return (checked as { source: string; newest?: string }[] | undefined)?.find(({ source }) => source === 'shop')
    ?.newest;
}

/** Gives a function so many seconds; returns what it had. */
async function limited(name: string, Timeout: number, { call }: Prover, signal: AbortSignal): Promise<number> {
  const path = `/2015-03-31/functions/${name}/configuration`;
  const read = async () =>
    json<{ Timeout: number; LastUpdateStatus?: string }>(await call({ service: 'lambda', method: 'GET', path }));
  const before = await read();
  await call({ service: 'lambda', method: 'PUT', path, body: JSON.stringify({ Timeout }) });
  await until('the change of a function', 3 * minuteMs, signal, async () =>
    (await read()).LastUpdateStatus === 'InProgress' ? undefined : true,
  );
  return before.Timeout;
}

async function received(queueUrl: string, { call }: Prover): Promise<string[]> {
  const answer = await call({
    service: 'sqs',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ReceiveMessage' },
    body: JSON.stringify({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
  });
  return (json<{ Messages?: { Body: string }[] }>(answer).Messages ?? []).map(({ Body }) => Body);
}

/** The stack, and what it leaves on purpose: the key, and the bucket with every version in it, by which the key is known. */
async function removeNightjar(prover: Prover, signal: AbortSignal): Promise<void> {
  const bucket = bucketOf(prover);
  const key = await keyOfBucket(bucket, prover);
  await removeStack(prover.run, prover, signal);
  if (key !== undefined) await removeKey(key, prover);
  await removeBucket(bucket, prover, signal);
}

function removalOf(prover: Prover): string {
  const bucket = bucketOf(prover);
  return (
    `aws cloudformation delete-stack --region ${prover.region} --stack-name ${prover.run}; then empty s3://${bucket} ` +
    `with all versions in the console, aws s3 rb s3://${bucket}, and schedule the deletion of its key`
  );
}
