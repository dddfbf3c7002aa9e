import type { Architecture } from './debian/apt-config.ts';

/** Architectures as Lambda names them. */
export type LayerArchitecture = 'x86_64' | 'arm64';

/**
 * One program of the layer: where Debian's package has it, where the layer has it, and where the layer has a script
 * that starts it. It must take itself for the script: pg_dumpall looks beside itself for pg_dump.
 */
export type ProgramPlan = {
  name: string;
  product: 'postgresql' | 'mariadb' | 'zstd' | 'tar';
  from: string;
  path: string;
  script: string;
};

/** AWS Lambda takes at most 250 MB unzipped for a function with all its layers; this one stays far below. */
export const maxLayerBytes = 60_000_000;

/**
 * Earlier suites are preferred; a package that names a later one brings along only what the earlier ones have too old.
 */
export const suites: readonly string[] = ['trixie', 'bookworm', 'sid'];

/**
 * PostgreSQL 15 serves servers 13 to 15, 17 serves 16 and 17, 18 serves 18; MariaDB's client serves MariaDB and MySQL.
 */
export const packages: readonly string[] = [
  'postgresql-client-15',
  'postgresql-client-17',
  'postgresql-client-18/sid',
  'mariadb-client',
  'zstd',
  'tar',
  'coreutils',
  'ca-certificates',
  'base-files', // the texts of the licences that the others' copyright files only name
];

/** What other people's servers may ask of the client; libmariadb loads them by name. */
export const mariadbPlugins: readonly string[] = [
  'caching_sha2_password',
  'sha256_password',
  'mysql_clear_password',
  'client_ed25519',
  'parsec',
  'dialog',
];

/**
 * What `stdbuf` loads into a program, so that it writes large blocks and not 4 kB at a time: in Debian's package, and
 * in the layer.
 */
export const outputBuffer = { from: 'usr/libexec/coreutils/libstdbuf.so', path: 'lib/libstdbuf.so' };

export const debianNames: Record<LayerArchitecture, Architecture> = { x86_64: 'amd64', arm64: 'arm64' };

const postgresMajors = [15, 17, 18];
const postgresPrograms = ['pg_dump', 'pg_dumpall', 'pg_restore', 'psql'];

export const programs: readonly ProgramPlan[] = [
  ...postgresMajors.flatMap((major) =>
    postgresPrograms.map((name) => plan(name, 'postgresql', `usr/lib/postgresql/${major}/bin`, `postgresql/${major}`)),
  ),
  plan('mariadb-dump', 'mariadb', 'usr/bin', 'mariadb'),
  plan('mariadb', 'mariadb', 'usr/bin', 'mariadb'),
  plan('zstd', 'zstd', 'usr/bin', 'zstd'),
  plan('tar', 'tar', 'usr/bin', 'tar'),
];

function plan(name: string, product: ProgramPlan['product'], from: string, home: string): ProgramPlan {
  return {
    name,
    product,
    from: `${from}/${name}`,
    path: `${home}/program/${name}`,
    script: product === 'zstd' || product === 'tar' ? `bin/${name}` : `${home}/bin/${name}`,
  };
}
