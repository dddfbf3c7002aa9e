import type { DebianWant } from '../../../layers/db-tools/debian/debian.ts';

export type PostgresMajor = 13 | 15 | 17 | 18;

/**
 * The packages of a PostgreSQL server, contrib included. Debian's unreleased suite gives the newest major with all it
 * depends on; the stable suites, whose names no longer change, give only what the server's programs load: LLVM, Perl
 * and Python stay out, two thirds of the download.
 */
export function postgresPackages(major: PostgresMajor): DebianWant {
  const name = `postgresql-${major}`;
  if (major === 18) return { name, suites: ['sid'], packages: [name, ...extensions] };
  return { name, ...stable[major], withDependencies: false };
}

const everywhere = words(`
  libaudit1 libc-bin libc6 libcap-ng0 libcom-err2 libgcc-s1 libgssapi-krb5-2 libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 liblz4-1 liblzma5
  libpam0g libpcre2-8-0 libpq5 libsasl2-2 libselinux1 libstdc++6 libsystemd0 libtinfo6 libuuid1 libxml2 libxslt1.1 libzstd1 zlib1g
`);

/**
 * What PostgreSQL 13 was linked with; all else comes from the next suite, whose loader can be told a program's name.
 */
const only13 = ['libicu67', 'libldap-2.4-2', 'libssl1.1'];

const only15 = words(`
  libcap2 libffi8 libgcrypt20 libgmp10 libgnutls30 libgpg-error0 libhogweed6 libicu72 libidn2-0 libldap-2.5-0 libnettle8 libp11-kit0
  libreadline8 libssl3 libtasn1-6 libunistring2
`);

const only17 = words(`
  libcap2 libicu76 libldap2 libreadline8t64 libssl3t64 libxxhash0
`);

const stable = {
  13: { suites: ['bookworm', 'bullseye'], packages: ['postgresql-13', ...everywhere, ...only13, ...only15] },
  15: { suites: ['bookworm'], packages: ['postgresql-15', ...everywhere, ...only15] },
  17: { suites: ['trixie'], packages: ['postgresql-17', ...everywhere, ...only17] },
} satisfies Partial<Record<PostgresMajor, Omit<DebianWant, 'name'>>>;

/** What others have made for it and many use: each wants something of a restore that nothing of PostgreSQL does. */
const extensions = words('postgresql-18-cron postgresql-18-pgvector postgresql-18-timescaledb');

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
