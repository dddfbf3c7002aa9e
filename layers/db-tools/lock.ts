import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BackupError, messageOf } from '../../core/domain/errors.ts';
import type { Architecture } from './debian/apt-config.ts';
import type { LayerArchitecture } from './contents.ts';

/** The pins that come with Nightjar. */
export const shippedLock = join(import.meta.dirname, 'lock.json');

// each part goes to apt as a word of its own: none may look like an option
const pinSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9+.-]*$/),
  version: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.+:~-]*$/),
  suite: z.string().regex(/^[a-z][a-z-]*$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const pinsSchema = z.array(pinSchema).min(1);

const lockSchema = z.strictObject({
  format: z.literal(2),
  at: z.iso.date(),
  builder: z.string().optional(),
  packages: z.strictObject({ amd64: pinsSchema, arm64: pinsSchema }),
  layers: z.strictObject({ x86_64: z.string().optional(), arm64: z.string().optional() }),
});

/** One package of the layer, exactly. `sha256` is that of Debian's file. */
export type PackagePin = z.infer<typeof pinSchema>;
/**
 * Pins, and for each architecture the SHA-256 of the list of hashes that they make (contents.sha256 of the layer).
 * `at`: the day on which Debian was last asked for newer ones. `builder`: what made the layers of those hashes; without
 * it, the builder beside which the file lies.
 */
export type LayerLock = {
  format: 2;
  at: string;
  builder?: string | undefined;
  packages: Record<Architecture, PackagePin[]>;
  layers: Partial<Record<LayerArchitecture, string | undefined>>;
};
/** The pins in force, and the file that they come from. */
export type ChosenLock = { lock: LayerLock; file: string };

/**
 * The pins in force: those of the file `own` where there is one that is not older than those that came with Nightjar.
 * Throws `tools-missing`.
 */
export async function chooseLock(own: string | undefined): Promise<ChosenLock> {
  const shipped = { lock: await readLock(shippedLock), file: shippedLock };
  const text = own === undefined ? undefined : await readFile(own, 'utf8').catch(absent);
  if (own === undefined || text === undefined) return shipped;
  const lock = parseLock(text, own);
  return lock.at < shipped.lock.at ? shipped : { lock, file: own };
}

/** Reads one file of pins. */
export async function readLock(file: string): Promise<LayerLock> {
  return parseLock(await readFile(file, 'utf8'), file);
}

/** Writes pins: the whole file, or nothing. */
export async function writeLock(file: string, lock: LayerLock): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(lock, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

function parseLock(text: string, file: string): LayerLock {
  try {
    return lockSchema.parse(JSON.parse(text), { jitless: true });
  } catch (cause) {
    const what = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new BackupError('tools-missing', `the pins of the database clients in ${file} can't be understood: ${what}`, {
      hint: 'take the file back from your version control, or remove it and run: nightjar layer update',
      cause,
    });
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
