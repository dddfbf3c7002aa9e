import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import type { Manifest } from '../../../../../../core/contract/manifest/manifest.ts';
import type { ProgramName, Tools } from '../../../../../../core/tools.ts';

type Place = {
  folder: string;
  tools: Tools;
  major: number;
  login: { host: string; port: number; user: string; password: string; database: string };
};

/** Restores a backup with pg_restore and psql alone, as the manifest's commands would, into an empty database. */
export async function stockRestore(manifest: Manifest, place: Place): Promise<void> {
  const home = join(place.folder, manifest.source, manifest.id);
  const archive = join(home, 'schema.pgdump');
  await run(
    'pg_restore',
    ['--exit-on-error', '--section=pre-data', `--dbname=${place.login.database}`, archive],
    '',
    place,
  );
  const data = manifest.parts.filter(({ role }) => role === 'data');
  const rows = await Promise.all(data.map(async ({ file }) => zstdDecompressSync(await readFile(join(home, file)))));
  await run(
    'psql',
    ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--single-transaction'],
    Buffer.concat(rows),
    place,
  );
  await run(
    'pg_restore',
    ['--exit-on-error', '--section=post-data', `--dbname=${place.login.database}`, archive],
    '',
    place,
  );
}

async function run(
  name: ProgramName,
  args: string[],
  input: string | Uint8Array,
  { tools, major, login }: Place,
): Promise<void> {
  const program = tools.program(name, major);
  const env = {
    ...program.env,
    PGHOST: login.host,
    PGPORT: String(login.port),
    PGUSER: login.user,
    PGPASSWORD: login.password,
    PGDATABASE: login.database,
    LC_ALL: 'C',
  };
  const child = spawn(program.command, [...program.args, ...args], { env });
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  child.stdout.resume();
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${name} ended with ${String(code)}: ${said}`);
}
