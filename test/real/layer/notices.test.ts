import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rdsBundle } from '../../../layers/db-tools/certificates.ts';
import { run } from '../../../layers/db-tools/debian/run.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { opensslProgram } from '../../servers/root.ts';
import { buildLimitMs, nativeArchitecture, openLayer } from './native-layer.ts';

let folder: string;
let env: Record<string, string>;

/**
 * A layer that was pinned long ago, whose one authority for eu-west-1 expires in 30 days: its programs are never run.
 */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-notices-'));
  const { home } = await openLayer(nativeArchitecture);
  const index = JSON.parse(await readFile(join(home, 'db-tools.json'), 'utf8')) as object;
  const place = join(folder, 'tools/nightjar');
  await mkdir(join(place, 'certs'), { recursive: true });
  await writeFile(join(place, 'db-tools.json'), JSON.stringify({ ...index, pinnedAt: '2026-01-01' }));
  const openssl = await opensslProgram(() => undefined, AbortSignal.timeout(buildLimitMs));
  const subject = '/CN=Amazon RDS eu-west-1 Root CA RSA2048 G1';
  await writeFile(join(folder, 'openssl.cnf'), '[req]\ndistinguished_name = name\n[name]\n');
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '30',
    '-subj',
    subject,
    '-keyout',
    join(folder, 'key'),
    '-out',
    join(place, rdsBundle),
  ];
  await run(
    [openssl, ...made],
    { env: { PATH: '/usr/bin:/bin', OPENSSL_CONF: join(folder, 'openssl.cnf') } },
    AbortSignal.timeout(60_000),
  );
  env = { NIGHTJAR_TOOLS: join(folder, 'tools'), NIGHTJAR_LAYER_NEWS: 'on' };
  const source = (name: string, host: string, tls = ''): string =>
    `  ${name}: { postgres: { host: ${host}, database: d, user: u${tls} } }\n`;
  const sources = [
    source('shop', 'shop.c1.eu-west-1.rds.amazonaws.com'),
    source('china', 'shop.c1.rds.cn-north-1.amazonaws.com.cn'),
    source('own', 'db.c1.cn-north-1.rds.amazonaws.com.cn', ', tls: { ca: ./own.pem }'),
    source('proxy', 'shop.proxy-c1.il-central-1.rds.amazonaws.com'),
    source('plain', 'db.example.com'),
  ];
  await writeFile(join(folder, 'nightjar.yaml'), `vault: ./backups\nsources:\n${sources.join('')}`);
}, buildLimitMs);
afterAll(() => rm(folder, { recursive: true }));

test('a check says how old the clients are, which authority expires soon, and for which source one is missing', async () => {
  const { stdout, code } = await nightjarInProcess(['check', '--no-tell', '--json'], { cwd: folder, env });

  const { notices } = JSON.parse(stdout) as { notices: string[] };
  expect(notices).toEqual([
    expect.stringMatching(/^the database clients were pinned \d{3,} days ago: /),
    expect.stringMatching(/^shop: the authority Amazon RDS eu-west-1 Root CA RSA2048 G1 expires on 20\d\d-\d\d-\d\d: /),
    "china: the layer has no authority of Amazon RDS for cn-north-1: its server can't be verified",
  ]);
  expect(code).toBe(4);
});

test('a backup of a source whose region has no authority ends before anybody connects, with what to do', async () => {
  const { stderr, code } = await nightjarInProcess(['backup', 'china'], { cwd: folder, env });

  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(
      /shop\.c1\.rds\.cn-north-1\.amazonaws\.com\.cn can't be verified: the layer has no authority of Amazon RDS for cn-north-1\n {2}hint: .*tls: \{ ca:/,
    ),
  });
});

test('nothing is said where it is switched off', async () => {
  const { stdout } = await nightjarInProcess(['check', '--no-tell', '--json'], {
    cwd: folder,
    env: { ...env, NIGHTJAR_LAYER_NEWS: 'off' },
  });

  expect(JSON.parse(stdout)).not.toHaveProperty('notices');
});
