import { randomBytes } from 'node:crypto';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../layers/db-tools/debian/run.ts';
import { debianDjango } from '../../../test/support/django/django.ts';
import type { DemoMachine } from './machine.ts';

type Blog = {
  /** Makes it: code, secret, database, pictures. Returns the cookie of a logged-in user. */
  make(machine: DemoMachine, signal: AbortSignal): Promise<string>;
  /** The page that the holder of a cookie sees. */
  visit(machine: DemoMachine, cookie: string, signal: AbortSignal): Promise<string>;
};

/** A Django project, with Debian's Python and Django, which are installed on every machine of the demo. */
export async function debianBlog(): Promise<Blog> {
  const { root, bytecode } = await debianDjango();
  const env = { ...root.env, PYTHONHOME: join(root.path, 'usr'), PYTHONPYCACHEPREFIX: bytecode, HOME: '/nonexistent' };
  const python = join(root.path, 'usr/bin/python3');
  const manage = ({ srv }: DemoMachine, args: readonly string[], signal: AbortSignal) =>
    run([python, 'manage.py', ...args], { cwd: join(srv, 'blog'), env }, signal);
  return {
    async make(machine, signal) {
      const home = join(machine.srv, 'blog');
      await cp(join(import.meta.dirname, 'blog'), home, { recursive: true });
      await writeFile(join(home, '.env'), `SECRET_KEY=${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
      await manage(machine, ['migrate', '--run-syncdb', '-v0'], signal);
      return (await manage(machine, ['fill'], signal)).trim();
    },
    visit: (machine, cookie, signal) => manage(machine, ['visit', cookie], signal),
  };
}
