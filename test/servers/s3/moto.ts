import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../folder.ts';
import { inFolder } from '../launch.ts';
import { freePort } from '../network.ts';
import { runProgram, startProcess, type Launch } from '../process.ts';
import { untilReady } from '../ready.ts';
import { serverRoot, type Root } from '../root.ts';
import { createBucket } from './client.ts';
import { reportToStderr, startLimitMs, type S3Server } from '../server.ts';
import { template } from '../databases/template.ts';

export type MotoOptions = {
  report?: (line: string) => void;
  /** Python files that are run before it starts. */
  preludes?: readonly string[];
};

/** What makes its KMS sign as AWS's does. */
export const signingKms = join(import.meta.dirname, 'kms.py');

const readyLimitMs = 30_000;
const stopLimitMs = 5_000;

/** moto and what its services need; Debian only suggests most of it. */
const packages = [
  'moto',
  'flask',
  'flask-cors',
  'yaml',
  'pyparsing',
  'jsonpath-ng',
  'joserfc',
  'openapi-spec-validator',
  'jsondiff',
  'graphql-core',
  'docker',
  'crc32c',
].map((name) => `python3-${name}`);

/** The services that tests talk to: their bytecode is prepared, so that no start compiles it. */
const services = [
  's3',
  'sts',
  'iam',
  'sns',
  'sqs',
  'secretsmanager',
  'events',
  'kms',
  'cloudwatch',
  'logs',
  'scheduler',
  'lambda',
  'cloudformation',
  'ssm',
];

/** Which Python packages a service pulls in is known by importing it; the argument says where bytecode goes. */
const warmUp =
  `import importlib, moto.server\nfor name in ${JSON.stringify(services)}:\n importlib.import_module('moto.' + ` +
  `('awslambda' if name == 'lambda' else name) + '.urls')`;

/**
 * moto looks whether an object is there and then writes it, in threads: of two who put one if absent, both may win. S3
 * lets one, so here too one writes at a time.
 */
const oneWriter = `
import threading
from moto.s3.responses import S3Response
put_object, writer = S3Response.put_object, threading.Lock()
def put_alone(response):
    with writer:
        return put_object(response)
S3Response.put_object = put_alone
`;

/**
 * For each request, moto looks twice through the folders of all its services, under a lock, and writes a line: a
 * quarter of its time. Which services it has does not change.
 */
const quick = `
import logging
from moto import backends
services = tuple(backends.list_of_moto_modules())
backends.list_of_moto_modules = lambda: services
logging.getLogger('werkzeug').setLevel(logging.WARNING)
`;

/**
 * moto: S3 and many other AWS services behind one endpoint, in memory only, any credentials taken. Starts in about a
 * second.
 */
export async function startMoto(
  options: MotoOptions = {},
  signal = AbortSignal.timeout(startLimitMs),
): Promise<S3Server> {
  const root = await serverRoot({ name: 'moto', suites: ['sid'], packages }, options.report ?? reportToStderr, signal);
  const bytecode = await preparedBytecode(root, signal);
  return inFolder(await temporaryFolder('moto'), async (folder) => {
    const port = await freePort();
    const access = {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-central-1',
      accessKeyId: 'moto',
      secretAccessKey: 'moto-takes-any',
    };
    const preludes = await Promise.all((options.preludes ?? []).map((file) => readFile(file, 'utf8')));
    const main = `${preludes.map((text) => `${text}\n`).join('')}${oneWriter}${quick}import sys\nfrom moto.server import main\nmain(sys.argv[1:])`;
    const server = startProcess(
      python(root, ['-c', main, '-H', '127.0.0.1', '-p', String(port)], folder.path, bytecode),
    );
    try {
      await untilReady('moto', server, () => answers(access.endpoint), readyLimitMs, signal);
    } catch (error) {
      await server.kill();
      throw error;
    }
    const stop = async (): Promise<void> => {
      await server.stop('SIGTERM', stopLimitMs);
      await folder.remove();
    };
    return {
      ...access,
      createBucket: (name, wanted) => createBucket(access, name, wanted),
      pid: server.pid,
      lastWords: server.lastWords,
      stop,
      kill: server.kill,
    };
  });
}

function python(root: Root, args: readonly string[], cwd: string, bytecode: string): Launch {
  const env = {
    ...root.env,
    PYTHONHOME: join(root.path, 'usr'),
    PYTHONPYCACHEPREFIX: bytecode,
    AWS_ACCESS_KEY_ID: 'moto',
    AWS_SECRET_ACCESS_KEY: 'moto',
    HOME: cwd,
  };
  return { program: join(root.path, 'usr/bin/python3'), args, env, cwd };
}

async function preparedBytecode(root: Root, signal: AbortSignal): Promise<string> {
  return template('moto-bytecode', root.path, async (folder) => {
    await runProgram(python(root, ['-c', warmUp], folder, folder), signal);
  });
}

async function answers(endpoint: string): Promise<void> {
  const response = await fetch(`${endpoint}/moto-api/data.json`, { signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`moto answered ${response.status}`);
}
