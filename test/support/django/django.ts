import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { template } from '../../servers/databases/template.ts';
import { temporaryFolder } from '../../servers/folder.ts';
import { runProgram, type Launch } from '../../servers/process.ts';
import { serverRoot, type Root } from '../../servers/root.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { limit } from '../vaults/vault.ts';

const project = fileURLToPath(new URL('.', import.meta.url));
const packages = ['python3-django', 'python3-psycopg2', 'python3-mysqldb', 'tzdata'];

/** A database as Django's settings name it. */
export type DjangoDatabase = Record<string, unknown>;

/** Debian's Django: its programs, and the bytecode of what it loads at a start. */
export async function debianDjango() {
  const root = await serverRoot({ name: 'django', suites: ['trixie'], packages }, () => {}, limit());
  return { root, bytecode: await preparedBytecode(root) };
}

/** The same, and the project beside this file. */
export async function startDjango() {
  const { root, bytecode } = await debianDjango();
  const folder = await temporaryFolder('django');
  const python = (database: DjangoDatabase, args: readonly string[]): Promise<string> =>
    runProgram(pythonOf(root, folder.path, bytecode, database, args), limit());
  return {
    folder: folder.path,
    sqlite: (name: string) => sqlite(folder.path, name),
    on: (engine: 'postgresql' | 'mysql', { host, port, user, password }: DatabaseServer, name: string) => ({
      ENGINE: `django.db.backends.${engine}`,
      HOST: host,
      PORT: port,
      USER: user,
      PASSWORD: password,
      NAME: name,
      ...(engine === 'mysql' && { OPTIONS: { charset: 'utf8mb4' } }),
    }),
    /** What `manage.py` would do. */
    manage: (database: DjangoDatabase, ...args: string[]) => python(database, ['-m', 'django', ...args]),
    /** A file of the project, as `manage.py shell < file` would run it. */
    script: (database: DjangoDatabase, file: string, ...args: string[]) =>
      python(database, [
        '-c',
        `import sys, django\ndjango.setup()\nsys.argv = sys.argv[1:]\nexec(open(sys.argv[0]).read())`,
        join(project, file),
        ...args,
      ]),
    stop: () => folder.remove(),
  };
}

const sqlite = (folder: string, name: string): DjangoDatabase => ({
  ENGINE: 'django.db.backends.sqlite3',
  NAME: join(folder, name),
});

function pythonOf(
  root: Root,
  cwd: string,
  bytecode: string,
  database: DjangoDatabase,
  args: readonly string[],
): Launch {
  const env = {
    ...root.env,
    PYTHONHOME: join(root.path, 'usr'),
    PYTHONPATH: project,
    PYTHONPYCACHEPREFIX: bytecode,
    HOME: cwd,
    DJANGO_SETTINGS_MODULE: 'settings',
    DJANGO_DATABASE: JSON.stringify(database),
  };
  return { program: join(root.path, 'usr/bin/python3'), args, cwd, env };
}

/** Loads what the tests' own runs load: the three kinds of databases, migrations, a dump. */
const warmUp = `
import django.db.backends.postgresql.base, django.db.backends.mysql.base
from django.core.management import execute_from_command_line as run
run(['django', 'migrate', '--run-syncdb', '-v0'])
run(['django', 'dumpdata', '--natural-foreign', '--output', 'warm.json.gz'])
`;

/** Debian's packages come without bytecode: what a start loads is compiled once, for all later starts. */
function preparedBytecode(root: Root): Promise<string> {
  return template('django-bytecode', root.path, async (folder) => {
    await runProgram(pythonOf(root, folder, folder, sqlite(folder, 'warm.sqlite3'), ['-c', warmUp]), limit());
  });
}

export type Django = Awaited<ReturnType<typeof startDjango>>;
