import { mkdir, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { cephSettings, clusterId } from './ceph-settings.ts';
import { chownToServer } from '../identity.ts';
import { freePort } from '../network.ts';
import { runProgram, startProcess, type Launch, type ServerProcess } from '../process.ts';
import { untilReady } from '../ready.ts';
import type { Root } from '../root.ts';

/** A cluster that runs on the data in a folder. */
export type CephCluster = {
  endpoint: string;
  gateway: ServerProcess;
  lastWords(): string;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

const readyLimitMs = 60_000;
const stopLimitMs = 10_000;

/** Makes an empty cluster in `data`; it has no pools and users yet. */
export async function makeCluster(root: Root, data: string, signal: AbortSignal): Promise<void> {
  for (const part of ['', 'mon', 'osd', 'rgw', 'run']) {
    await mkdir(join(data, part), { recursive: true });
    await chownToServer(join(data, part));
  }
  await configure(root, data, signal);
  await runProgram(program(root, data, 'ceph-mon', '--id', 'a', '--mkfs', '--monmap', join(data, 'monmap')), signal);
  const monitor = startProcess(program(root, data, 'ceph-mon', '--id', 'a', '-f'));
  try {
    const store = randomUUID();
    await runProgram(ceph(root, data, 'osd', 'new', store), signal);
    await runProgram(ceph(root, data, 'osd', 'crush', 'add', 'osd.0', '1.0', 'root=default'), signal);
    await runProgram(program(root, data, 'ceph-osd', '--id', '0', '--mkfs', '--osd-uuid', store), signal);
  } finally {
    await monitor.stop('SIGTERM', stopLimitMs);
  }
}

/** Starts the cluster in `data` on ports of its own. */
export async function startCluster(root: Root, data: string, signal: AbortSignal): Promise<CephCluster> {
  const gatewayPort = await configure(root, data, signal);
  await runProgram(
    program(root, data, 'ceph-mon', '--id', 'a', '--inject-monmap', join(data, 'monmap'), ...withoutCompaction),
    signal,
  );
  const started: ServerProcess[] = [];
  const start = (name: string, ...args: string[]): ServerProcess => {
    const server = startProcess(program(root, data, name, ...args, '-f'));
    started.unshift(server);
    return server;
  };
  const kill = async (): Promise<void> => void (await Promise.all(started.map((server) => server.kill())));
  try {
    start('ceph-mon', '--id', 'a');
    const store = start('ceph-osd', '--id', '0');
    // A gateway that finds no store waits ten seconds before it asks again.
    await untilReady("Ceph's object store", store, () => saysActive(store), readyLimitMs, signal);
    const gateway = start('radosgw', '-n', 'client.rgw');
    const endpoint = `http://127.0.0.1:${gatewayPort}`;
    await untilReady("Ceph's gateway", gateway, () => answers(endpoint), readyLimitMs, signal);
    const stop = async (): Promise<void> => {
      for (const server of started) await server.stop('SIGTERM', stopLimitMs);
    };
    return { endpoint, gateway, lastWords: () => started.map((server) => server.lastWords()).join('\n'), stop, kill };
  } catch (error) {
    await kill();
    throw error;
  }
}

/**
 * A monitor that leaves while its store compacts itself in the background crashes one time in six: this one only writes
 * the map.
 */
const withoutCompaction = [
  '--mon-rocksdb-options',
  'write_buffer_size=33554432,compression=kNoCompression,disable_auto_compactions=true',
];

/** Makes a user of the gateway, whose cluster must be running. */
export async function makeUser(
  root: Root,
  data: string,
  name: string,
  keys: { accessKeyId: string; secretAccessKey: string },
  signal: AbortSignal,
): Promise<void> {
  const named = [
    '--uid',
    name,
    '--display-name',
    name,
    '--access-key',
    keys.accessKeyId,
    '--secret-key',
    keys.secretAccessKey,
  ];
  await runProgram(program(root, data, 'radosgw-admin', 'user', 'create', ...named), signal);
}

/** Writes the settings and the map of the one monitor, on free ports; returns the gateway's. */
async function configure(root: Root, data: string, signal: AbortSignal): Promise<number> {
  const [monitorPort, gatewayPort] = [await freePort(), await freePort()];
  const settings = cephSettings({ libraries: libraries(root), data, monitorPort, gatewayPort });
  await writeFile(join(data, 'ceph.conf'), settings);
  await writeFile(join(data, 'keyring'), '');
  await rm(join(data, 'monmap'), { force: true });
  await runProgram(
    program(
      root,
      data,
      'monmaptool',
      '--create',
      '--fsid',
      clusterId,
      '--addv',
      'a',
      `[v2:127.0.0.1:${monitorPort}]`,
      join(data, 'monmap'),
    ),
    signal,
  );
  return gatewayPort;
}

function libraries(root: Root): string {
  return join(root.path, 'usr/lib', process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu');
}

/** Ceph's own command line is a Python program. */
function ceph(root: Root, data: string, ...args: string[]): Launch {
  const { env, ...launch } = program(
    root,
    data,
    'python3',
    join(root.path, 'usr/bin/ceph'),
    '--connect-timeout',
    '30',
    ...args,
  );
  return { ...launch, env: { ...env, PYTHONHOME: join(root.path, 'usr'), PYTHONDONTWRITEBYTECODE: '1' } };
}

function program(root: Root, data: string, name: string, ...args: string[]): Launch {
  return {
    program: join(root.path, 'usr/bin', name),
    args,
    env: { ...root.env, LC_ALL: 'C', CEPH_CONF: join(data, 'ceph.conf') },
    cwd: data,
  };
}

async function saysActive(store: ServerProcess): Promise<void> {
  if (!store.lastWords().includes('booting -> active')) throw new Error('the object store is still booting');
}

async function answers(endpoint: string): Promise<void> {
  const response = await fetch(endpoint, { signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
}
