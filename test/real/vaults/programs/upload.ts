import { readFileSync } from 'node:fs';
import { objectKey } from '../../../../core/domain/keys.ts';
import { s3Client } from '../../../../core/vaults/s3/client.ts';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import { patterned } from '../../../contract/vault/vault-data.ts';

/** Uploads an object of the given size to the store that the environment names; prints what that cost. */
const [megabytes = '0', bucket = '', endpoint = '', ca] = process.argv.slice(2);
const { ACCESS_KEY: accessKeyId = '', SECRET_KEY: secretAccessKey = '' } = process.env;
const size = Number(megabytes) * 1_000_000;
const client = s3Client({
  endpoint,
  credentials: { accessKeyId, secretAccessKey },
  ...(ca === undefined ? {} : { ca }),
});
const started = performance.now();
const before = process.cpuUsage();
await s3Vault({ client, bucket, prefix: '' }).put(
  objectKey(`upload/${megabytes}`),
  patterned(size, 65_536),
  {},
  new AbortController().signal,
);
const { user, system } = process.cpuUsage(before);
client.destroy();
// what getrusage tells began with the memory of the process that started us
const peakKilobytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
const seconds = (performance.now() - started) / 1000;
process.stdout.write(
  JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, peakMegabytes: (peakKilobytes * 1.024) / 1000 }),
);
