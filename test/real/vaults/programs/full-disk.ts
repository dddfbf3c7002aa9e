import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isBackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { keysOf, patterned } from '../../../contract/vault/vault-data.ts';

/** In a mount namespace of its own: a vault on a disk of 8 MB, filled, then made read-only. Prints what happened. */
const [mountPoint = ''] = process.argv.slice(2);
const signal = new AbortController().signal;
const vault = folderVault(join(mountPoint, 'vault'));
const codeOf = (error: unknown): string => (isBackupError(error) ? error.code : String(error));

execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mountPoint]);
await vault.put(objectKey('first'), patterned(1_000_000, 65_536), {}, signal);
const full = await vault
  .put(objectKey('second'), patterned(20_000_000, 65_536), {}, signal)
  .then(() => 'stored', codeOf);
const left = await readdir(join(mountPoint, 'vault/.nightjar/incoming'));
const listed = await keysOf(vault, '');
execFileSync('mount', ['-o', 'remount,bind,ro', mountPoint]);
const readOnly = await vault.put(objectKey('third'), patterned(1000, 1000), {}, signal).then(() => 'stored', codeOf);
execFileSync('umount', [mountPoint]);
const unmounted = await keysOf(vault, '').then(String, codeOf);
process.stdout.write(JSON.stringify({ full, left, listed, readOnly, unmounted }));
