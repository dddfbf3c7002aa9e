import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from '../../../servers/process.ts';
import { opensslProgram } from '../../../servers/root.ts';
import type { DatabaseServer } from '../../../servers/server.ts';

/** What is wrong with a certificate. */
export type Flaw = 'expired' | 'other name' | 'self-signed' | 'none';

const limitMs = 60_000;
const years: Record<Flaw, string[]> = {
  expired: ['-not_before', '20200101000000Z', '-not_after', '20210101000000Z'],
  'other name': ['-days', '2'],
  'self-signed': ['-days', '2'],
  none: ['-days', '2'],
};

/**
 * Puts another certificate in the place of a server's own (test/servers/certificate.ts made that, and its authority);
 * the server has to be told to read it.
 */
export async function exchangeCertificate({ caFile }: DatabaseServer, flaw: Flaw): Promise<void> {
  const folder = dirname(caFile!);
  const names = flaw === 'other name' ? 'DNS:db.internal' : 'DNS:localhost, IP:127.0.0.1';
  const configuration = join(folder, 'flawed.cnf');
  await writeFile(
    configuration,
    `[req]\ndistinguished_name = name\n[name]\n[server]\nbasicConstraints = critical, ` +
      `CA:false\nextendedKeyUsage = serverAuth\nsubjectAltName = ${names}\n`,
  );
  const signed = flaw === 'self-signed' ? [] : ['-CA', 'ca.pem', '-CAkey', 'ca.key'];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=server',
    '-extensions',
    'server',
    ...years[flaw],
    ...signed,
    '-keyout',
    'server.key',
    '-out',
    'server.pem',
  ];
  const signal = AbortSignal.timeout(limitMs);
  await runProgram(
    {
      program: await opensslProgram(() => {}, signal),
      args,
      env: { PATH: '/usr/bin:/bin', OPENSSL_CONF: configuration },
      cwd: folder,
    },
    signal,
  );
}
