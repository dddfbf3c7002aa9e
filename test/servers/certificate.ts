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

const withoutEnd = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const selfMade = [...withoutEnd, '-days', '2'];

/** A self-signed certificate in `folder`, `own.pem` and `own.key`, for as long as prepared data is kept. */
export async function makeOwnCertificate(folder: string, openssl: string, signal: AbortSignal): Promise<void> {
  const place = ['-keyout', 'own.key', '-out', 'own.pem'];
  const args = ['req', ...withoutEnd, '-days', '36500', '-subj', '/CN=MariaDB Server', ...place];
  await writeFile(join(folder, 'openssl.cnf'), configuration);
  const env = { PATH: '/usr/bin:/bin', OPENSSL_CONF: join(folder, 'openssl.cnf') };
  await runProgram({ program: openssl, args, env, cwd: folder }, signal);
}

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
