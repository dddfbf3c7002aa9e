import TestSequencer from '@jest/test-sequencer';

/**
 * The suites that take longest, longest first. An order that has grown old costs some seconds at the end of a run, no
 * more.
 */
const slowest = [
  'liar/postgres',
  'cloud/stack',
  'vaults/s3',
  'liar/mariadb',
  'lambda/deadline',
  'runs/cut-dumps',
  'postgres/backup/encodings',
  'runs/kills-s3',
  'mariadb/restore/events',
  'postgres/backup/versions',
  'stack/examples',
  'layer/packages/pins',
  'mariadb/restore/failures',
  'mariadb/restore/replace',
  'mariadb/backup/values',
  'postgres/restore/odd',
  'postgres/restore/swap',
  'museum/mariadb/moments',
  'postgres/restore/round-trip',
  'postgres/backup/interleavings',
  'runs/kills',
  'mariadb/backup/interleavings',
  'postgres/restore/typed',
  'mariadb/restore/definitions',
  'real/demo',
];

/**
 * Slow suites begin first, so that no processor waits at the end for one that began last. Jest goes by how long they
 * took on this machine, and in a fresh clone, where it knows of none, by the size of their files: there the list
 * decides.
 */
export default class SlowestFirst extends TestSequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const found = slowest.findIndex((name) => path.endsWith(`/${name}.test.ts`));
      return found === -1 ? slowest.length : found;
    };
    return super.sort([...tests]).sort((a, b) => rank(a) - rank(b));
  }
}
