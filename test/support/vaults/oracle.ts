import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';

/** Objects of a vault as they lie there. */
export type Lying = ReadonlyMap<string, { body: Uint8Array; tags?: Readonly<Record<string, string>> }>;
/** The lines of each table. */
export type Rows = Record<string, string[]>;
type Claim = {
  id: string;
  parts: { role: string; file: string; bytes: number; storedBytes: number; sha256: string }[];
};

const manifestPattern = /^shop\/(\d{8}T\d{6}Z-[0-9a-f]{6})\/manifest\.json$/;
const copyPattern = /^COPY public\.(\w+) \(line\) FROM stdin;\n(.*)\\\.\n/s;

/** The ids that have a manifest, oldest first. */
export function listedIn(objects: Lying): string[] {
  return [...objects.keys()].flatMap((key) => manifestPattern.exec(key)?.[1] ?? []).sort();
}

/**
 * Judges backups of a toy source by their bytes alone, without a line of the product: each part that a manifest names
 * is there with its size and SHA-256, and the rows are those that the source had.
 */
export function untruths(objects: Lying, truth: (id: string) => Rows | undefined): string[] {
  return listedIn(objects).flatMap((id) => {
    const claim = claimOf(objects, id);
    const wrong = claim.parts.flatMap((part) => wrongWith(part, objects.get(`shop/${id}/${part.file}`)?.body));
    if (claim.id !== id || wrong.length > 0) return [`${id}: ${wrong.join(', ') || `its manifest is of ${claim.id}`}`];
    return JSON.stringify(rowsOf(objects, claim)) === JSON.stringify(truth(id)) ? [] : [`${id} holds other rows`];
  });
}

/** The backups that are listed while a part of theirs is not there. */
export function torn(objects: Lying): string[] {
  return listedIn(objects).filter((id) =>
    claimOf(objects, id).parts.some(({ file }) => !objects.has(`shop/${id}/${file}`)),
  );
}

/** Which objects of a backup are not tagged so. */
export function otherTags(objects: Lying, id: string, wanted: string): string[] {
  return [...objects].flatMap(([key, { tags }]) =>
    key.startsWith(`shop/${id}/`) && !/\/(proofs\/.*|pin\.json)$/.test(key) && tags?.['nightjar-tiers'] !== wanted
      ? [`${key} is tagged ${tags?.['nightjar-tiers']}`]
      : [],
  );
}

/** The outcomes on record beside backups: `verify-passed`. */
export function proofsIn(objects: Lying): string[] {
  return [...objects.keys()].flatMap((key) => /proofs\/\w+-(\w+-\w+)\.json$/.exec(key)?.[1] ?? []);
}

/** Until when the lease is held; undefined where nobody holds it. */
export function leasedUntil(objects: Lying, now: Date): string | undefined {
  if (!objects.has('shop/lease.json')) return undefined;
  const { until } = JSON.parse(textOf(objects, 'shop/lease.json')) as { until: string };
  return Date.parse(until) > now.getTime() ? until : undefined;
}

/** What was made of bytes before: the vault replaces them, and never changes them. */
const known = new WeakMap<Uint8Array, { sha256: string; claim?: Claim; unfolded?: Buffer }>();

function seen(body: Uint8Array) {
  const found = known.get(body) ?? { sha256: createHash('sha256').update(body).digest('hex') };
  known.set(body, found);
  return found;
}

function claimOf(objects: Lying, id: string): Claim {
  const { body } = objects.get(`shop/${id}/manifest.json`)!;
  return (seen(body).claim ??= JSON.parse(Buffer.from(body).toString()) as Claim);
}

function unfolded(body: Uint8Array): Buffer {
  return (seen(body).unfolded ??= zstdDecompressSync(body));
}

function wrongWith(
  { file, bytes, storedBytes, sha256 }: Claim['parts'][number],
  body: Uint8Array | undefined,
): string[] {
  if (body === undefined) return [`${file} is gone`];
  if (body.length !== storedBytes) return [`${file} has ${body.length} bytes`];
  if (seen(body).sha256 !== sha256) return [`${file} has another SHA-256`];
  return unfolded(body).length === bytes ? [] : [`${file} unfolds to another size`];
}

function rowsOf(objects: Lying, { id, parts }: Claim): Rows {
  const rows: Rows = {};
  for (const { role, file } of parts) {
    if (role !== 'data') continue;
    const text = unfolded(objects.get(`shop/${id}/${file}`)!.body).toString();
    const [, table = '', lines = ''] = copyPattern.exec(text) ?? [];
    rows[table] = lines.split('\n').slice(0, -1);
  }
  return rows;
}

function textOf(objects: Lying, key: string): string {
  return Buffer.from(objects.get(key)!.body).toString();
}
