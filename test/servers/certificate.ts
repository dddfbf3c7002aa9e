import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './process.ts';

export type Certificate = { caFile: string; certificateFile: string; keyFile: string };

const configuration = `
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, DNS:db.internal
`;

const selfMade = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

/**
 * An authority of its own and a certificate for localhost, 127.0.0.1 and the name db.internal, good for two days, in
 * `folder`, which must belong to the server's user.
 */
export async function makeCertificate(folder: string, openssl: string, signal: AbortSignal): Promise<Certificate> {
  const run = (...args: string[]): Promise<string> =>
    runProgram(
      {
        program: openssl,
        args,
        env: { PATH: '/usr/bin:/bin', OPENSSL_CONF: join(folder, 'openssl.cnf') },
        cwd: folder,
      },
      signal,
    );
  await writeFile(join(folder, 'openssl.cnf'), configuration);
  await run(
    'req',
    ...selfMade,
    '-subj',
    '/CN=Nightjar test authority',
    '-extensions',
    'authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  await run(
    'req',
    ...selfMade,
    '-subj',
    '/CN=localhost',
    '-extensions',
    'server',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-keyout',
    'server.key',
    '-out',
    'server.pem',
  );
  return {
    caFile: join(folder, 'ca.pem'),
    certificateFile: join(folder, 'server.pem'),
    keyFile: join(folder, 'server.key'),
  };
}
