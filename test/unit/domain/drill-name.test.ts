import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseConfig } from '../../../core/config-file.ts';
import { readEvent, restoreEventSchema } from '../../../core/contract/events/requests.ts';
import { drillDatabaseName, isDrillDatabase, requireNoDrillName } from '../../../core/domain/drill-name.ts';
import { anyText } from '../../support/random/draws.ts';

test('a drill’s database is named after the source’s, fits every server, and is known again', () => {
  // the digits are kept as they are: what an older version has left is dropped by them
  expect(drillDatabaseName('shop', 0.5)).toBe('shop_drill_800000748cec');
  expect(drillDatabaseName('Ünï', 0.25)).toBe('Ünï_drill_400000080609');
  fc.assert(
    fc.property(anyText({ minLength: 1 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (database, random) => {
      const name = drillDatabaseName(database, random);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
      expect(isDrillDatabase(name)).toBe(true);
    }),
  );
});

test('a server may keep it in small letters', () => {
  expect(isDrillDatabase(drillDatabaseName('Shop', 0.1).toLowerCase())).toBe(true);
});

test('what looks like one by accident is none', () => {
  const name = drillDatabaseName('shop', 0.5);
  for (const other of [
    'shop',
    'shop_drill_000000000000',
    'fire_drill_200101',
    `x${name}`,
    `${name}_before`,
    name.slice(0, -1),
  ])
    expect(isDrillDatabase(other)).toBe(false);
});

test('nobody keeps a database under such a name: neither as a source, nor as what is restored into', () => {
  const name = drillDatabaseName('shop', 0.5);
  const reading = (database: string) => () =>
    parseConfig(`vault: v\nsources: { s: { mariadb: { host: db, user: u, database: ${database} } } }`, 'nightjar.yaml');
  const asking = (to: string) => () => readEvent(restoreEventSchema, { source: 'shop', to }, { source: 'shop' });

  expect(reading(name)).toThrow(
    expect.objectContaining({
      code: 'config-invalid',
      message: expect.stringMatching(/sources\.s\.mariadb\.database: .*the next drill .*drops it; rename/),
    }),
  );
  expect(asking(name)).toThrow(
    expect.objectContaining({ code: 'input-invalid', message: expect.stringContaining('belongs to') }),
  );
  expect(() => requireNoDrillName(name)).toThrow(expect.objectContaining({ code: 'input-invalid' }));
  const other = 'shop_drill_000000000000';
  for (const fine of [reading(other), asking(other), () => requireNoDrillName(other)]) expect(fine).not.toThrow();
});

test('whoever asks for such a name is told why, and what to do', () => {
  const name = drillDatabaseName('shop', 0.5);
  expect(() => requireNoDrillName(name)).toThrow(
    expect.objectContaining({
      code: 'input-invalid',
      message: `${name} can't be restored into: this name belongs to the scratch databases of drills: the next drill or restore drops it`,
      hint: 'name another database',
    }),
  );
  expect(requireNoDrillName('shop')).toBeUndefined();
});
