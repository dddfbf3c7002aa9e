import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BackupError, messageOf } from './domain/errors.ts';
import type { Authority } from './domain/tools/rds-endpoint.ts';
import type { ToolsFacts } from './domain/tools/notices.ts';

export type ProgramName = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql' | 'mariadb-dump' | 'mariadb' | 'tar';

/** A program of the layer. The caller's arguments follow `args`. */
export type Program = {
  name: string;
  version: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Called after it succeeded, with what it still printed on stderr, secrets removed. */
  heard?(words: string): void;
};

/** The database clients of one binary layer, and the certificates that come with them (PEM files). */
export type Tools = {
  /**
   * The program for a server of this major version: the same major, else the next newer one. Throws `tools-missing`.
   */
  program(name: ProgramName, serverMajor?: number): Program;
  /** Folder of the authentication plugins of the MariaDB client. */
  mariadbPlugins: string;
  /** `rds`: Amazon's own authorities; `public`: the authorities that browsers trust. */
  certificates: { rds: string; public: string };
};

/**
 * Buffer for a program's output and input. By default it writes 4 kB at a time, which costs more to read than to
 * compress, and psql reads 4 kB at a time, too (docs/performance.md).
 */
const bufferBytes = String(256 * 1024);

/**
 * Keeps OpenSSL and Kerberos from reading the host's configuration, which could load the host's modules into our
 * programs or weaken TLS; and keeps the host's time zone out.
 */
const nothingOfTheHost = {
  TZ: 'UTC0',
  OPENSSL_CONF: '/dev/null',
  OPENSSL_MODULES: '/nonexistent',
  OPENSSL_ENGINES: '/nonexistent',
  KRB5_CONFIG: '/dev/null',
  KRB5CCNAME: 'MEMORY:',
};

/** `nightjar/db-tools.json` of a layer (layers/db-tools/README.md); paths are relative to it. */
const indexSchema = z.object({
  format: z.literal(1),
  /** When the versions were chosen; older layers don't say. */
  pinnedAt: z.iso.date().optional(),
  loader: z.string(),
  libraryPath: z.array(z.string()).min(1),
  outputBuffer: z.string(),
  mariadbPlugins: z.string(),
  certificates: z.object({ rds: z.string(), public: z.string() }),
  programs: z.array(
    z.object({ name: z.string(), major: z.int(), version: z.string(), path: z.string(), argv0: z.string() }),
  ),
});

/** Opens the layer in the folder `root` (/opt in Lambda). Throws `tools-missing`. */
export async function openTools(root: string): Promise<Tools> {
  const home = join(root, 'nightjar');
  const index = await readIndex(home);
  return {
    program(name, serverMajor = 0) {
      const fitting = index.programs.filter((program) => program.name === name && program.major >= serverMajor);
      const best = fitting.sort((a, b) => a.major - b.major)[serverMajor === 0 ? fitting.length - 1 : 0];
      if (best === undefined) {
        throw new BackupError('tools-missing', `no ${name} for a server of version ${serverMajor} in ${root}`, {
          hint: "a client older than its server can't dump it; build a newer layer: nightjar layer update",
        });
      }
      const libraries = index.libraryPath.map((path) => join(home, path)).join(':');
      const args = [
        '--inhibit-cache',
        '--library-path',
        libraries,
        '--preload',
        join(home, index.outputBuffer),
        '--argv0',
        join(home, best.argv0),
        join(home, best.path),
      ];
      return {
        name,
        version: best.version,
        command: join(home, index.loader),
        args,
        env: { ...nothingOfTheHost, _STDBUF_I: bufferBytes, _STDBUF_O: bufferBytes },
      };
    },
    mariadbPlugins: join(home, index.mariadbPlugins),
    certificates: { rds: join(home, index.certificates.rds), public: join(home, index.certificates.public) },
  };
}

/** What a layer says about itself, except `fixes`. Throws `tools-missing`. */
export async function readToolsFacts(root: string): Promise<ToolsFacts> {
  const home = join(root, 'nightjar');
  const { pinnedAt, certificates } = await readIndex(home);
  return {
    pinnedAt: pinnedAt === undefined ? undefined : new Date(pinnedAt),
    fixes: undefined,
    authorities: await readBundle(join(home, certificates.rds)),
  };
}

/** The authorities in a PEM file of a layer. Throws `tools-missing`. */
export async function readBundle(bundle: string): Promise<Authority[]> {
  try {
    const blocks =
      (await readFile(bundle, 'utf8')).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    return blocks.map((block) => authorityOf(new X509Certificate(block)));
  } catch (cause) {
    throw new BackupError('tools-missing', `the authorities in ${bundle} can't be read: ${messageOf(cause)}`, {
      hint: 'nightjar layer verify',
      cause,
    });
  }
}

function authorityOf({ subject, validTo }: X509Certificate): Authority {
  return { name: /^CN=(.*)$/m.exec(subject)?.[1] ?? subject, until: new Date(validTo) };
}

async function readIndex(home: string): Promise<z.infer<typeof indexSchema>> {
  try {
    return indexSchema.parse(JSON.parse(await readFile(join(home, 'db-tools.json'), 'utf8')));
  } catch (cause) {
    throw new BackupError('tools-missing', `no database clients in ${home}`, {
      hint:
        'correct NIGHTJAR_TOOLS, or leave it out: the clients are fetched then (nightjar layer build); in Lambda, ' +
        'the layer has to be attached',
      cause,
    });
  }
}
