// What a person writes who has no tool: a program's output into a bucket by multipart upload. node competitor.ts
// <bucket> <key> <shell command>
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

const partBytes = 8 * 1024 * 1024;
const partsAtOnce = 4;

const [Bucket = '', Key = '', command = ''] = process.argv.slice(2);
const client = new S3Client({
  endpoint: process.env['ENDPOINT'] ?? '',
  region: process.env['AWS_REGION'] ?? '',
  forcePathStyle: true,
});
const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
const parts: { PartNumber: number; ETag: string | undefined }[] = [];
const onTheirWay = new Set<Promise<void>>();

async function send(Body: Buffer, PartNumber: number): Promise<void> {
  const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
  parts[PartNumber - 1] = { PartNumber, ETag };
}

let number = 0;
async function add(body: Buffer): Promise<void> {
  while (onTheirWay.size >= partsAtOnce) await Promise.race(onTheirWay);
  const sending: Promise<void> = send(body, (number += 1)).finally(() => onTheirWay.delete(sending));
  onTheirWay.add(sending);
}

const child = spawn('/bin/bash', ['-o', 'pipefail', '-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
const ended = once(child, 'close');
let waiting: Buffer[] = [];
let bytes = 0;
for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
  waiting.push(chunk);
  bytes += chunk.length;
  if (bytes < partBytes) continue;
  await add(Buffer.concat(waiting));
  waiting = [];
  bytes = 0;
}
await add(Buffer.concat(waiting));
await Promise.all(onTheirWay);
const [code] = (await ended) as [number | null];
if (code !== 0) throw new Error(`${command} ended with ${code}`);
await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } }));
client.destroy();
