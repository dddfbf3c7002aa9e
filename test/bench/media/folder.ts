import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A media folder of so many files, 4 kB to 2 × `meanKb` each. */
export type Media = { path: string; files: number; meanKb: number };

/** Of each hundred files, so many hundredths are written anew, added, removed, renamed. */
const share = 0.01;

/** Makes the folder; each call of the returned function is a day that changes 1 % of it. */
export async function mediaFolder(media: Media): Promise<(night: number) => Promise<void>> {
  const numbers = randomNumbers(1);
  let names = await makeMedia(media, numbers);
  return async (night) => {
    names = await changeMedia(media, names, night, numbers);
  };
}

/** The same numbers from 0 to 1 in each run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function makeMedia(media: Media, numbers: () => number): Promise<string[]> {
  const names = Array.from({ length: media.files }, (_, at) => join(`${Math.floor(at / 200)}`, `${at}.jpg`));
  for (const name of names) await writeMedia(media, name, numbers);
  return names;
}

/** Half of what changes is written anew, and a sixth each is added, removed and renamed. */
async function changeMedia(
  media: Media,
  names: readonly string[],
  night: number,
  numbers: () => number,
): Promise<string[]> {
  const left = [...names];
  const pick = () => left.splice(Math.floor(numbers() * left.length), 1)[0]!;
  const sixth = Math.max(1, Math.round((names.length * share) / 6));
  const kept: string[] = [];
  for (let count = 0; count < sixth; count += 1) {
    for (const name of [pick(), pick(), pick()]) {
      await writeMedia(media, name, numbers);
      kept.push(name);
    }
    await rm(join(media.path, pick()));
    const [from, added] = [pick(), join('0', `added-${night}-${count}.jpg`)];
    const to = join('1', `renamed-${night}-${count}.jpg`);
    await rename(join(media.path, from), join(media.path, to));
    await writeMedia(media, added, numbers);
    kept.push(to, added);
  }
  return [...left, ...kept];
}

/** As pictures and films are: nothing of it can be made smaller. */
async function writeMedia({ path: folder, meanKb }: Media, name: string, numbers: () => number): Promise<void> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, randomBytes(4096 + Math.floor(numbers() * 2 * (meanKb - 4)) * 1024));
  await utimes(path, new Date(), new Date());
}
