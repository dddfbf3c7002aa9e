import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCluster, makeUser, startCluster } from './ceph-cluster.ts';
import { temporaryFolder } from '../folder.ts';
import { inFolder } from '../launch.ts';
import { programVersion } from '../process.ts';
import { serverRoot, type Root } from '../root.ts';
import { createBucket } from './client.ts';
import { reportToStderr, startLimitMs, type S3Server } from '../server.ts';
import { copyTemplate, template } from '../databases/template.ts';

/**
 * sid has Ceph 20, the strict one; trixie has 18, which knows as little of today's SDK as many S3-compatible vendors
 * do.
 */
export type CephSuite = 'sid' | 'trixie';
export type CephOptions = { suite?: CephSuite; report?: (line: string) => void };

const packages = ['radosgw', 'ceph-common', 'ceph-mon', 'ceph-osd', 'ceph-base', 'uuid-runtime'];

/** Of a user of Ceph's, for whom a bucket's policy can say what he may do: `arn:aws:iam:::user/<name>`. */
export type CephUser = Pick<S3Server, 'accessKeyId' | 'secretAccessKey'>;
export type CephServer = S3Server & { addUser(name: string): Promise<CephUser> };

/**
 * Ceph's S3 gateway on a cluster of its own, which enforces signatures, policies, conditions and locks. Starts in three
 * seconds, the first time in twenty.
 */
export async function startCeph(
  options: CephOptions = {},
  signal = AbortSignal.timeout(startLimitMs),
): Promise<CephServer> {
  const { suite = 'sid', report = reportToStderr } = options;
  const root = await serverRoot({ name: `ceph-${suite}`, suites: [suite], packages }, report, signal);
  const prepared = await preparedCluster(root, suite, report, signal);
  return inFolder(await temporaryFolder('ceph'), async (folder) => {
    const data = join(folder.path, 'data');
    await copyTemplate(join(prepared, 'data'), data, signal);
    const cluster = await startCluster(root, data, signal);
    const keys = JSON.parse(await readFile(join(prepared, 'keys.json'), 'utf8')) as CephUser;
    const access = { endpoint: cluster.endpoint, region: 'us-east-1', ...keys };
    const stop = async (): Promise<void> => {
      await cluster.kill();
      await folder.remove();
    };
    const addUser = async (name: string): Promise<CephUser> => {
      const made = newKeys();
      await makeUser(root, data, name, made, AbortSignal.timeout(addUserLimitMs));
      return made;
    };
    const { gateway, lastWords, kill } = cluster;
    return {
      ...access,
      addUser,
      createBucket: (name, wanted) => createBucket(access, name, wanted),
      pid: gateway.pid,
      lastWords,
      stop,
      kill,
    };
  });
}

const addUserLimitMs = 30_000;

function newKeys(): CephUser {
  return {
    accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
    secretAccessKey: randomBytes(20).toString('base64'),
  };
}

/** A cluster whose gateway has made its pools and one user, shut down in order. */
async function preparedCluster(
  root: Root,
  suite: CephSuite,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const version = await programVersion(join(root.path, 'usr/bin/radosgw'), root.env, signal);
  return template(`ceph-${suite}`, version, async (folder) => {
    report(`ceph-${suite}: preparing a cluster, about 15 seconds`);
    const data = join(folder, 'data');
    await makeCluster(root, data, signal);
    const cluster = await startCluster(root, data, signal);
    const keys = newKeys();
    await makeUser(root, data, 'nightjar', keys, signal).finally(() => cluster.stop());
    await writeFile(join(folder, 'keys.json'), JSON.stringify(keys), { mode: 0o600 });
  });
}
