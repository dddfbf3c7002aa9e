#!/usr/bin/node
// No shell. pg_dumpall asks by one, and by nothing else, for the version of the pg_dump beside it, and ends without an answer
// (find_other_exec and pipe_read_line of PostgreSQL); it starts no pg_dump for what belongs to no database. All else is refused.
const { spawnSync } = require('node:child_process');

const asked = /^"(\/opt\/nightjar\/postgresql\/\d+)\/bin\/pg_dump" -V$/.exec(process.argv.at(-1) ?? '');
if (process.argv[2] !== '-c' || asked === null) {
  console.error('sh: there is no shell in this image');
  process.exit(127);
}
const words = ['--inhibit-cache', '--library-path', '/opt/nightjar/lib', '--argv0', 'pg_dump'];
const { status } = spawnSync('/opt/nightjar/lib/ld.so', [...words, `${asked[1]}/program/pg_dump`, '-V'], {
  stdio: 'inherit',
});
process.exit(status ?? 127);
