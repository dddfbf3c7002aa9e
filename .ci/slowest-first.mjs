import TestSequencer from '@jest/test-sequencer';

/**
 * The suites that take longest, longest first. An order that has grown old costs some seconds at the end of a run, no
 * more.
 */
const slowest = [
  'cloud/stack',
  'lambda/deadline',
  'layer/packages/update',
  'liar/postgres',
  'keys/vaults',
  'vaults/s3/network',
  'mariadb/restore/replace',
  'vaults/s3/s3',
  'runs/kills-s3',
  'mariadb/restore/events',
  'museum/mariadb/values',
  'lambda/delivery',
  'liar/mariadb',
  'layer/packages/pins',
  'real/engine-contract',
  'restore/replace/swap',
  'postgres/restore/odd',
  'drill/postgres',
  'mariadb/backup/values',
  'cli/package',
  'runs/alert-never-wired',
  'postgres/restore/keep-going',
  'postgres/restore/typed',
  'runs/cut-dumps',
  'mariadb/restore/failures',
  'cli/backup-and-restore',
  'postgres/backup/versions',
  'real/demo',
  'runs/kills',
  'replace-killed',
  'postgres/backup/encodings',
  'simulation/simulated-year',
  'cli/copies',
  'real/added',
  'limits/too-large',
  'stack/examples',
  'simulation/lambda-nights',
  'museum/mariadb/dumps',
  'backup/hostile',
  'museum/mariadb/moments',
  'museum/postgres/one-moment',
  'restore/round-trip',
  'changes/changes',
  'commands/planned-elsewhere',
  'proof/proof',
  'museum/postgres/left-out',
  'changes/interleavings',
  'changes/overtaking',
  'vaults/copy-killed',
  'lambda/drill',
  'vaults/faults',
  'cli/interrupted',
  'museum/vault/copied-vaults',
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
