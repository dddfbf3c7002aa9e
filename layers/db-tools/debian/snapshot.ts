import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BackupError, messageOf } from '../../../core/domain/errors.ts';
import type { Download } from './apt.ts';
import type { Architecture } from './apt-config.ts';

type SnapshotPin = { name: string; version: string; sha256: string };

const limitMs = 5 * 60 * 1000;
const largestFile = 200_000_000;

/**
 * What the service tells of a package's files (its machine-usable interface,
 * `/mr/binary/<package>/<version>/binfiles`).
 */
const answerSchema = z.object({
  result: z.array(z.object({ architecture: z.string(), hash: z.string().regex(/^[0-9a-f]{40}$/) })),
  fileinfo: z.record(z.string(), z.array(z.object({ name: z.string().regex(/^[A-Za-z0-9._+~%-]+\.deb$/) }))),
});

/**
 * Fetches the file of a pinned package from Debian's snapshot service (NIGHTJAR_DEBIAN_SNAPSHOT), which keeps what the
 * mirrors have dropped, into `folder`. The pin's hash alone says whether it is the right one. Throws `tools-missing`.
 */
export async function fromSnapshot(
  pin: SnapshotPin,
  architecture: Architecture,
  folder: string,
  signal: AbortSignal,
): Promise<Download> {
  const base = (process.env['NIGHTJAR_DEBIAN_SNAPSHOT'] ?? '').replace(/\/+$/, '');
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const address = `${base}/mr/binary/${encodeURIComponent(pin.name)}/${encodeURIComponent(pin.version)}/binfiles?fileinfo=1`;
  try {
    const { result, fileinfo } = answerSchema.parse(JSON.parse((await fetched(address, limit)).toString()));
    const found = result.find((one) => one.architecture === architecture || one.architecture === 'all');
    const file = found && fileinfo[found.hash]?.[0]?.name;
    if (found === undefined || file === undefined) throw new Error(`it has no file for ${architecture}`);
    const content = await fetched(`${base}/file/${found.hash}`, limit);
    const is = createHash('sha256').update(content).digest('hex');
    if (is !== pin.sha256) throw new Error(`its file has the SHA-256 ${is}, and ${pin.sha256} is pinned`);
    await writeFile(join(folder, `${file}.part`), content);
    await rename(join(folder, `${file}.part`), join(folder, file));
    return { name: pin.name, version: pin.version, file, bytes: content.length, sha256: pin.sha256 };
  } catch (cause) {
    throw new BackupError(
      'tools-missing',
      `${pin.name} ${pin.version} could not be had from the snapshot service ${base}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

async function fetched(address: string, signal: AbortSignal): Promise<Buffer> {
  const answer = await fetch(address, { signal, redirect: 'follow' });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > largestFile) throw new Error(`${address} is larger than ${largestFile} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
