import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../servers/folder.ts';
import { runProgram } from '../../servers/process.ts';
import { serverRoot } from '../../servers/root.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { limit } from '../vaults/vault.ts';

const project = fileURLToPath(new URL('.', import.meta.url));
const packages = ['python3-django', 'python3-psycopg2', 'python3-mysqldb', 'tzdata'];

/** A database as Django's settings name it. */
export type DjangoDatabase = Record<string, unknown>;

/** Django of Debian, and the project beside this file. */
export async function startDjango() {
  const root = await serverRoot({ name: 'django', suites: ['trixie'], packages }, () => {}, limit());
  const folder = await temporaryFolder('django');
  const python = (database: DjangoDatabase, args: readonly string[]): Promise<string> =>
    runProgram(
      {
        program: join(root.path, 'usr/bin/python3'),
        args,
        cwd: folder.path,
        env: {
          ...root.env,
          PYTHONHOME: join(root.path, 'usr'),
          PYTHONPATH: project,
          PYTHONDONTWRITEBYTECODE: '1',
          HOME: folder.path,
          DJANGO_SETTINGS_MODULE: 'settings',
          DJANGO_DATABASE: JSON.stringify(database),
        },
      },
      limit(),
    );
  return {
    folder: folder.path,
    sqlite: (name: string): DjangoDatabase => ({
      ENGINE: 'django.db.backends.sqlite3',
      NAME: join(folder.path, name),
    }),
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

export type Django = Awaited<ReturnType<typeof startDjango>>;
