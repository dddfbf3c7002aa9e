import TestSequencer from '@jest/test-sequencer';

/**
 * The suites that take longest, longest first. An order that has grown old costs some seconds at the end of a run, no
 * more.
 */
const slowest = [
  'cloud/stack',
  'restore/replace',
  'lambda/deadline',
  'restore/events',
  'lambda/drill',
  'real/demo',
  's3/s3',
  'liar/postgres',
  'mariadb/values',
  'lambda/delivery',
  'real/engine-contract',
  'keys/vaults',
  'packages/update',
  'replace/swap',
  'cli/package',
  'restore/failures',
  'backup/encodings',
  'runs/alert-never-wired',
  's3/network',
  'replace/undo',
  'runs/kills-s3',
  'drill/postgres',
  'vault/copy',
  'postgres/backup/versions',
  'postgres/replace-killed',
  'mariadb/dumps',
  'mariadb/moments',
  'postgres/restore/tables',
  'files/sharing',
  'machine/schedule',
  'packages/pins',
  'backup/values',
  'runs/cut-dumps',
  'changes/overtaking',
  'changes/changes',
  'doctor/doctor',
  'limits/too-large',
  'rotation/s3',
  'mariadb/restore/round-trip',
  'vaults/faults',
  'restore/interrupted',
  'stack/command',
  'docs/rights',
  'postgres/backup/hostile',
  'real/django/convert',
  'postgres/restore/round-trip',
  'real/added',
  'docs/restore-by-hand',
  'cli/alerts',
  'vaults/folder-killed',
  'restore/definitions',
  'backup/interleavings',
  'changes/interleavings',
  'postgres/replace-answer-lost',
  'drill/mariadb',
  'postgres/left-out',
  'adopt/postgres',
  'servers/whole-server',
  'postgres/restore/typed',
  'cli/copies',
  'museum/postgres/members',
  'mariadb/replace-failed',
  'restore/odd',
  'lambda/imitation',
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
