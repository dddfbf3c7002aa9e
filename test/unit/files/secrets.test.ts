import { expect, test } from '@jest/globals';
import { looksSecret, noSecrets, usualSecrets } from '../../../core/engines/files/secrets.ts';
import { pathText } from '../../../core/engines/files/names.ts';
import { files } from '../../../core/engines/files/descriptor.ts';

/** What is refused of files with these names. */
function refused(names: readonly string[], own: readonly string[] = [], folder = 'media'): string[] {
  return names.filter(looksSecret(own, folder));
}

test.each([
  ['an application', ['.env', 'app/.env', '.env.production', 'blog/wp-config.php']],
  ['a web server', ['ssl/server.key', 'live/shop/privkey.pem', 'keys.p12', 'SERVER.KEY', 'old.PEM']],
  ['SSH', ['.ssh/id_ed25519', 'root/.ssh/id_rsa', 'ssh/ssh_host_ed25519_key']],
  ['clients', ['.pgpass', 'home/me/.my.cnf', 'mysql/debian.cnf', '.netrc', 'me/.aws/credentials', '.kube/config']],
  ['the machine', ['shadow', 'gshadow', 'etc/shadow', 'shadow-', 'gshadow-', 'etc/gshadow-']],
  ['copies that are left', ['wp-config.php.bak', 'terraform.tfstate', 'terraform.tfstate.backup']],
  ['keys beside certificates', ['cert1-private.pem', 'cert2key.pem', 'chain-key.pem', 'fullchainkey.pem']],
])('secrets of %s are refused', (_, names) => {
  expect(refused(names)).toEqual(names);
});

test('what only looks a little like one is stored', () => {
  const plain = ['.env.example', 'environment', 'cacert.pem', 'live/shop/fullchain.pem', 'archive/shop/cert12.pem'];
  const others = ['id_card.jpg', '.ssh/id_rsa.pub', 'ssh_host_rsa_key.pub', 'keys', 'photos/shadow', 'credentials'];

  expect(refused([...plain, ...others])).toEqual([]);
});

test.each([
  ['.aws', 'credentials'],
  ['.docker', 'config.json'],
  ['.kube', 'config'],
])('the folder %s is known as the source itself, too', (folder, name) => {
  expect(refused([name, `deep/${name}`], [], folder)).toEqual([name]);
  expect(refused([name], [`!/${name}`], folder)).toEqual([]);
});

test('own patterns add to the usual ones, and take them back', () => {
  const names = ['conf/shop.ini', 'test/key.pem', 'key.pem'];

  expect(refused(names, ['/conf/', '!/test/key.pem'])).toEqual(['conf/shop.ini', 'key.pem']);
  expect(refused(names, ['!*'])).toEqual([]);
});

test('the first few are named, with a line that takes the first one back', () => {
  const all = ['g', 'b', 'c', 'd', 'e', 'f', 'a'].map((name) => `${name}.key`);

  expect(() => noSecrets([])).not.toThrow();
  expect(() => noSecrets(['caf\xe9.key', ...all])).toThrow(
    expect.objectContaining({
      code: 'config-invalid',
      message:
        'it holds what looks like secrets, and is not encrypted: a.key, b.key, c.key, caf\\xe9.key, d.key, and 3 more',
      hint: expect.stringContaining('secrets: ["!/a.key"]'),
    }),
  );
  expect(refused(['caf\xe9.key']).map(pathText)).toEqual(['caf\\xe9.key']);
});

test('every usual pattern is one that a configuration may hold', () => {
  expect(files.schema.safeParse({ path: '/etc', secrets: usualSecrets }).success).toBe(true);
});
