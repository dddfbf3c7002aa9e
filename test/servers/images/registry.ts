import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { makeCertificate } from '../certificate.ts';
import type { Certificate } from '../certificate.ts';
import { temporaryFolder } from '../folder.ts';
import { inFolder } from '../launch.ts';
import { freePort } from '../network.ts';
import { startProcess } from '../process.ts';
import { untilReady } from '../ready.ts';
import { opensslProgram, serverRoot } from '../root.ts';
import { reportToStderr, startLimitMs } from '../server.ts';
import { startTokenGiver, tokenService } from './tokens.ts';
import type { TokenGiver } from './tokens.ts';

/** Debian's docker-registry. `host`: as it stands in a reference. */
export type RegistryServer = {
  host: string;
  url: string;
  /** Of one that asks for a login. */
  login: { username: string; password: string };
  caFile?: string;
  /** What tokens were given for: `nightjar repository:shop/app:pull`. */
  tokens: readonly string[];
  pid: number;
  lastWords(): string;
  stop(): Promise<void>;
};

export type RegistryOptions = {
  /** Asks for a login. */
  login?: boolean;
  tls?: boolean;
  /** Asks for a token; `reader` may only pull, with the same password. */
  tokens?: boolean;
  /** Takes manifests with layers that lie elsewhere. */
  foreign?: boolean;
};

const login = { username: 'nightjar', password: 'p/a ss%"w@rd' };
/** The same password, hashed by `htpasswd -B`. */
const htpasswd = 'nightjar:$2y$05$JoHY/gS3P50T0vDZGMUkrulnTTr5QrVlWiSWbrnS3z3qnPM2YC7Hm';
const readyLimitMs = 30_000;
const stopLimitMs = 5_000;

/** A registry that keeps in memory what it has. Starts in a moment. */
export async function startRegistry(
  options: RegistryOptions = {},
  signal = AbortSignal.timeout(startLimitMs),
): Promise<RegistryServer> {
  const want = { name: 'docker-registry', suites: ['trixie'], packages: ['docker-registry'] };
  const root = await serverRoot(want, reportToStderr, signal);
  return inFolder(await temporaryFolder('registry'), async (folder) => {
    const port = await freePort();
    const made = options.tls === true || options.tokens === true ? await certificateIn(folder.path, signal) : undefined;
    const { username, password } = login;
    const giver =
      options.tokens === true
        ? await startTokenGiver(made!, {
            [username]: { password, actions: ['pull', 'push'] },
            reader: { password, actions: ['pull'] },
          })
        : undefined;
    await writeFile(join(folder.path, 'htpasswd'), `${htpasswd}\n`);
    const file = join(folder.path, 'config.yml');
    // YAML takes JSON
    await writeFile(file, JSON.stringify(configuration({ port, folder: folder.path, ...options, giver }, made)));
    const program = join(root.path, 'usr/bin/docker-registry');
    const server = startProcess({
      program,
      args: ['serve', file],
      env: { ...root.env, HOME: folder.path },
      cwd: folder.path,
    });
    const url = `${options.tls === true ? 'https' : 'http'}://127.0.0.1:${port}`;
    try {
      await untilReady('docker-registry', server, () => answers(port), readyLimitMs, signal);
    } catch (error) {
      await server.kill();
      await giver?.stop();
      throw error;
    }
    return {
      host: `127.0.0.1:${port}`,
      url,
      login,
      ...(made && { caFile: made.caFile }),
      tokens: giver?.given ?? [],
      pid: server.pid,
      lastWords: server.lastWords,
      async stop() {
        await server.stop('SIGTERM', stopLimitMs);
        await giver?.stop();
        await folder.remove();
      },
    };
  });
}

async function certificateIn(folder: string, signal: AbortSignal) {
  return makeCertificate(folder, await opensslProgram(reportToStderr, signal), signal);
}

type Configured = RegistryOptions & { port: number; folder: string; giver: TokenGiver | undefined };

function configuration(
  { port, folder, giver, login: asks = false, tls = false, foreign = false }: Configured,
  made: Certificate | undefined,
) {
  return {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { inmemory: {}, cache: { blobdescriptor: 'inmemory' }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${port}`,
      ...(tls && made && { tls: { certificate: made.certificateFile, key: made.keyFile } }),
    },
    ...(foreign && { validation: { manifests: { urls: { allow: ['^https?://'] } } } }),
    ...(giver && { auth: { token: { realm: giver.realm, ...tokenService, rootcertbundle: made?.caFile } } }),
    ...(asks && { auth: { htpasswd: { realm: 'registry', path: join(folder, 'htpasswd') } } }),
  };
}

/** Something listens: what it answers is for tests. */
async function answers(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect').finally(() => socket.destroy());
}
