import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';

/** The files of a place by their paths, each read whole: by the file system or Amazon's SDK, and by nothing of ours. */
export type RawFiles = ReadonlyMap<string, Buffer>;
export type RawPlace = {
  read(): Promise<RawFiles>;
  write(path: string, body: Uint8Array): Promise<unknown>;
  remove(path: string): Promise<unknown>;
};

/** A folder, without what is hidden in it. */
export function rawFolder(folder: string): RawPlace {
  return {
    async read() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
      const own = paths.map((path) => relative(folder, path)).filter((path) => !path.startsWith('.nightjar'));
      const read = own.sort().map(async (path) => [path, await readFile(join(folder, path))] as const);
      return new Map(await Promise.all(read));
    },
    async write(path, body) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), body);
    },
    remove: (path) => rm(join(folder, path)),
  };
}

/** A prefix in a bucket. */
export function rawBucket(client: S3Client, bucket: string, prefix: string): RawPlace {
  const at = (path: string) => ({ Bucket: bucket, Key: `${prefix}/${path}` });
  return {
    async read() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}/` }));
      const paths = Contents.map(({ Key = '' }) => Key.slice(prefix.length + 1)).sort();
      const read = paths.map(async (path) => {
        const { Body } = await client.send(new GetObjectCommand(at(path)));
        return [path, Buffer.from(await Body!.transformToByteArray())] as const;
      });
      return new Map(await Promise.all(read));
    },
    write: (path, body) => client.send(new PutObjectCommand({ ...at(path), Body: body })),
    remove: (path) => client.send(new DeleteObjectCommand(at(path))),
  };
}

export function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

/** The backups that are to be seen in a place: those with a manifest. */
export function manifestsIn(files: RawFiles): string[] {
  return [...files.keys()].filter((path) => /^[^/]+\/\d{8}T\d{6}Z-[0-9a-f]{6}\/manifest\.json$/.test(path));
}

/** What of the backups that are to be seen is not whole: a part that is not there, or has not the bytes that it must. */
export function halfVisible(files: RawFiles): string[] {
  return manifestsIn(files).flatMap((path) => {
    const { parts } = JSON.parse(files.get(path)!.toString()) as { parts: { file: string; sha256: string }[] };
    return parts.flatMap(({ file, sha256: named }) => {
      const body = files.get(join(dirname(path), file));
      if (body === undefined) return [`${path}: ${file} is not there`];
      return sha256(body) === named ? [] : [`${path}: ${file} has other bytes`];
    });
  });
}

/** What lies below backups, by its hash: leases and ledgers are of the place alone. */
export function hashesOfBackups(files: RawFiles): Record<string, string> {
  const own = [...files].filter(([path]) => /^[^/]+\/\d{8}T\d{6}Z-[0-9a-f]{6}\//.test(path));
  return Object.fromEntries(own.map(([path, body]) => [path, sha256(body)]));
}
