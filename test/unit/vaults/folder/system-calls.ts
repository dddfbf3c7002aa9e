import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** The calls as Node has them. */
export const systemCalls = { ...fs };

/**
 * Has calls to the file system answer otherwise, also for whoever has imported them by name: as a share whose answers
 * get lost does, or a disk that no test can have. `answeringAgain` puts them back.
 */
export function answering(calls: Partial<typeof fs>): void {
  Object.assign(fs, calls);
  syncBuiltinESMExports();
}

export function answeringAgain(): void {
  answering(systemCalls);
}

/** An error as Node gives it. */
export const failure = (code: string) => Object.assign(new Error(`${code}: it did not work`), { code });
