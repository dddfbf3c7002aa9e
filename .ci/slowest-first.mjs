import TestSequencer from '@jest/test-sequencer';

/** The suites that take longest, longest first. An order that has grown old costs some seconds at the end of a run, no more. */
const slowest = [
  'liar/postgres', 'cloud/stack', 'vaults/s3', 'liar/mariadb', 'lambda/deadline', 'museum/cut-dumps', 'engines/postgres-encodings', 'museum/kills-s3',
  'engines/mariadb-events', 'engines/postgres-versions', 'infra/examples', 'layer/pins', 'engines/mariadb-failures', 'engines/mariadb-replace',
  'engines/mariadb-values', 'engines/postgres-odd', 'engines/postgres-swap', 'museum/mariadb-moments', 'engines/postgres-round-trip',
  'engines/postgres-interleavings', 'museum/kills', 'engines/mariadb-interleavings', 'engines/postgres-typed', 'engines/mariadb-definitions', 'demo',
];

/**
 * Slow suites begin first, so that no processor waits at the end for one that began last. Jest goes by how long they took on this machine, and in a fresh clone, where
 * it knows of none, by the size of their files: there the list decides.
 */
export default class SlowestFirst extends TestSequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const found = slowest.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
      return found === -1 ? slowest.length : found;
    };
    return super.sort([...tests]).sort((a, b) => rank(a) - rank(b));
  }
}
