import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { hearing, warningsOf } from '../../../core/pipeline/hearing.ts';
import { programInput, programOutput } from '../../../core/pipeline/program.ts';
import type { Tools } from '../../../core/tools.ts';

const script = fileURLToPath(new URL('../../fixtures/programs/dump.sh', import.meta.url));
const soon = () => AbortSignal.timeout(30_000);
const tools: Tools = {
  program: (name) => ({ name, version: '18', command: script, args: [] }),
  mariadbPlugins: '',
  certificates: { rds: '', public: '' },
};

/** What is heard of programs that run one after the other, each saying this. */
async function heard(...sayings: string[]): Promise<string[]> {
  const said = hearing(tools);
  for (const saying of sayings) {
    const run = {
      program: said.tools.program('pg_dump'),
      args: ['warns'],
      env: { SAYING: saying },
      idleLimitMs: 20_000,
      secretEnv: async () => ({ PGPASSWORD: 'hunter2' }),
    };
    for await (const _ of programOutput(run, soon()));
  }
  return warningsOf(said.messages());
}

test('what a program says though it succeeds is a warning, with its details and hints', async () => {
  await expect(
    heard('pg_dump: warning: subscriptions not dumped\npg_dump: detail: two of them\npg_dump: hint: be a superuser'),
  ).resolves.toEqual(['pg_dump said: warning: subscriptions not dumped; detail: two of them; hint: be a superuser']);
});

test('a program that takes is heard as well', async () => {
  const said = hearing(tools);
  const run = {
    program: said.tools.program('psql'),
    args: ['warns'],
    env: { SAYING: 'psql:<stdin>:3: WARNING:  mind the gap' },
    idleLimitMs: 20_000,
  };

  await programInput(run, (async function* () {})(), soon());

  expect(said.messages()).toEqual(['the server said: WARNING: mind the gap']);
});

test('the same said twice, by other sessions in other lines, is one warning', async () => {
  await expect(
    heard(
      'psql:<stdin>:12: WARNING:  collation\nHINT:  rebuild',
      'psql:<stdin>:7: WARNING:  collation\nHINT:  rebuild',
    ),
  ).resolves.toEqual(['the server said: WARNING: collation; HINT: rebuild']);
});

test('neither a password nor the lines in which a server quotes values come through', async () => {
  const said = await heard(
    'WARNING:  hunter2 is weak\nDETAIL:  Key (card)=(4111) exists\nCONTEXT:  COPY cards, line 1: "4111"\nLINE ' +
      '1: select 4111\n               ^',
  );

  expect(said).toEqual(['the server said: WARNING: *** is weak']);
});

test('a flood is cut in number and length, and it is said so', async () => {
  const said = await heard(
    Array.from({ length: 3000 }, (_, index) => `warning ${index} ${index === 0 ? 'x'.repeat(2000) : ''}`).join('\n'),
  );

  expect(said).toHaveLength(21);
  expect(said[0]).toHaveLength(500 + 'pg_dump said: …'.length);
  expect(said.at(-1)).toMatch(/^\d+ more messages of the database’s programs are not shown$/);
});

test('silence is no warning', async () => {
  await expect(heard('')).resolves.toEqual([]);
});
