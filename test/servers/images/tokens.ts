import { sign } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Certificate } from '../certificate.ts';

/** Who gives tokens to those who log in: what each user may do in every repository. */
export type TokenGiver = { realm: string; given: string[]; stop(): Promise<void> };

export const tokenService = { service: 'nightjar-registry', issuer: 'nightjar-tests' } as const;

/** Signs tokens as docker-registry wants them (distribution, spec/auth/jwt). `users`: passwords and rights. */
export async function startTokenGiver(
  made: Certificate,
  users: Readonly<Record<string, { password: string; actions: readonly string[] }>>,
): Promise<TokenGiver> {
  const [key, certificate] = await Promise.all([readFile(made.keyFile), readFile(made.certificateFile, 'utf8')]);
  const chain = certificate.replace(/-----[^-]+-----|\s/g, '');
  const given: string[] = [];
  const server = createServer((request, answer) => {
    const [name = '', ...rest] = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64')
      .toString()
      .split(':');
    const user = Object.hasOwn(users, name) ? users[name] : undefined;
    if (user?.password !== rest.join(':')) return void answer.writeHead(401).end();
    const scope = new URL(request.url ?? '', 'http://any').searchParams.get('scope') ?? '';
    given.push(`${name} ${scope}`);
    const [type = '', repository = '', actions = ''] = scope.split(':');
    const allowed = actions.split(',').filter((one) => user.actions.includes(one));
    answer.end(JSON.stringify({ token: tokenOf([{ type, name: repository, actions: allowed }]), expires_in: 300 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function tokenOf(access: object[]): string {
    const now = Math.floor(Date.now() / 1000);
    const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url');
    const claims = {
      iss: tokenService.issuer,
      aud: tokenService.service,
      sub: 'test',
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: String(Math.random()),
      access,
    };
    const signed = `${part({ typ: 'JWT', alg: 'ES256', x5c: [chain] })}.${part(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  return {
    realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    given,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
