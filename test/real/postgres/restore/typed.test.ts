import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { Restored } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { PostgresMajor } from '../../../servers/databases/postgres-packages.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';
import { makeTyped } from '../../../support/typed.ts';

const majors = [13, 15, 17, 18] as const;
const scenes = new Map<PostgresMajor, PostgresScene>();
const backups = new Map<string, Manifest>();
const on = (major: PostgresMajor) => scenes.get(major)!;

beforeAll(async () => {
  for (const major of majors) {
    const scene = await postgresScene(major, { wal_level: 'logical' });
    scenes.set(major, scene);
    for (const script of ['first-generation', 'one-of-each']) {
      await makeTyped(scene, script, script, major);
      backups.set(`${script} ${major}`, await backup(scene.source(script), scene.deps(), limit()));
    }
  }
}, 1_200_000);

afterAll(async () => {
  for (const scene of scenes.values()) await scene.stop();
});

function restored(script: string, from: PostgresMajor, to: PostgresMajor, database: string): Promise<Restored> {
  const { engine } = on(to).source(database);
  return restore(
    backups.get(`${script} ${from}`)!,
    engine,
    { replace: false, owners: true, proof: true },
    { ...on(from).deps(), parallel: 2 },
    limit(),
  );
}

const notCompared = [expect.stringMatching(/^rows of materialized views, which a restore computes anew: /)];

test.each(majors)(
  'definitions as people type them are proven equal on PostgreSQL %i, though it prints them differently after a ' +
    'restore',
  async (major) => {
    const { proof } = await restored('first-generation', major, major, 'again');

    expect(proof).toMatchObject({
      definitions: true,
      differences: [],
      exceptions: notCompared,
      ways: { 'by meaning': expect.any(Number) },
    });
    expect(Object.keys(proof!.ways)).toEqual(['by meaning']);
    expect(proof!.ways['by meaning']).toBeGreaterThan(20);
  },
);

test.each(majors)(
  'what was restored on PostgreSQL %i, backed up and restored once more is equal to the letter',
  async (major) => {
    const { source, deps } = on(major);
    const second = await backup(source('again'), deps(), limit());

    const { proof } = await restore(
      second,
      source('once more').engine,
      { replace: false, owners: true, proof: true },
      { ...deps(), parallel: 2 },
      limit(),
    );

    expect(proof).toMatchObject({ differences: [], exceptions: notCompared, ways: {} });
  },
);

test.each([
  ['first-generation', 13, 18],
  ['first-generation', 15, 17],
  ['one-of-each', 13, 18],
  ['one-of-each', 15, 17],
] as const)(
  '%s goes from PostgreSQL %i to %i, compared with what the archive makes there, and not by name alone',
  async (script, from, to) => {
    const { proof } = await restored(script, from, to, `${script} of ${from}`);

    expect(proof).toMatchObject({ definitions: true, differences: [] });
    // its server installs newer extensions, and the proof says so
    expect(proof!.exceptions.filter((one) => !/^extension \S+ is of version \S+ and was of \S+$/.test(one))).toEqual(
      notCompared,
    );
    expect(proof!.ways['by what the archive makes here']).toBeGreaterThan(20);
    expect(await on(to).sql('postgres', `select datname from pg_database where datname like 'nightjar%'`)).toEqual([]);
  },
);
