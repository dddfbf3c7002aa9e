import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startCeph } from '../../../servers/s3/ceph.ts';
import type { S3Server } from '../../../servers/server.ts';
import { bucket } from './servers.ts';

let server: S3Server;

beforeAll(async () => {
  server = await startCeph();
  await server.createBucket(bucket);
}, 600_000);
afterAll(() => server?.stop(), 60_000);

/** Peak memory of a process that uploads so much, in megabytes. */
async function peakOf(megabytes: number): Promise<number> {
  const program = join(import.meta.dirname, '../programs/upload.ts');
  const env = { PATH: process.env['PATH'], ACCESS_KEY: server.accessKeyId, SECRET_KEY: server.secretAccessKey };
  const { stdout } = await promisify(execFile)(process.execPath, [program, `${megabytes}`, bucket, server.endpoint], {
    env,
  });
  return (JSON.parse(stdout) as { peakMegabytes: number }).peakMegabytes;
}

test('ten times the bytes need no more memory', async () => {
  const small = await peakOf(60);
  const large = await peakOf(600);

  expect(large - small).toBeLessThan(40);
  expect(large).toBeLessThan(220);
}, 300_000);
