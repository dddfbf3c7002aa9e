import { expect, test } from '@jest/globals';
import { dumpText } from '../../../core/engines/postgres/adopt/dump-text.ts';

const end = '--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n';
const schema = `CREATE TABLE public.orders (line text);\n${end}`;
const rows = 'COPY public.orders (line) FROM stdin;\nhat\ncoat\n\\.\n\n';

async function read(text: string): Promise<string> {
  async function* pieces() {
    for (let at = 0; at < text.length; at += 7) yield Buffer.from(text.slice(at, at + 7));
  }
  return Buffer.concat(await Array.fromAsync(dumpText(pieces(), 17).content)).toString();
}

test('a dump whose last words have come is whole, though comments and blank lines follow', async () => {
  await expect(read(`${schema}-- by hand\n\n`)).resolves.toContain('CREATE TABLE');
  await expect(read(`${schema}${rows}${end}`)).resolves.toContain('coat');
});

test.each([
  ['within the rows', 'COPY public.orders (line) FROM stdin;\nhat\nco'],
  ['behind the rows', rows],
  ['within a statement', 'COPY public.orders (li'],
  ['behind a statement', 'SET statement_timeout = 0;\n'],
])('of two dumps in one file, a second one that is cut %s is not whole', async (_, second) => {
  await expect(read(`${schema}${second}`)).rejects.toMatchObject({ code: 'dump-cut' });
});

test('a dump with hypertables of TimescaleDB ends before anything of it is made, and is told the way', async () => {
  const made = 'CREATE EXTENSION IF NOT EXISTS timescaledb WITH SCHEMA public;\n';

  await expect(read(`SET row_security = off;\n${made}${schema}`)).rejects.toMatchObject({
    code: 'input-invalid',
    message: expect.stringContaining('TimescaleDB'),
    hint: expect.stringContaining('timescaledb_pre_restore()'),
  });
  await expect(read(`COPY public.orders (line) FROM stdin;\n${made}\\.\n\n${end}`)).resolves.toContain(made);
});
