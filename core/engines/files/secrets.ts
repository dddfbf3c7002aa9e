import { BackupError } from '../../domain/errors.ts';
import { fewNames } from '../../domain/lines.ts';
import { pathText } from './names.ts';
import { asPattern, matching } from './patterns.ts';

/**
 * What usually holds a secret, by the programs' own file names (docs/files.md says whose). A harmless file that is
 * refused costs a line of configuration; a password in a vault costs more.
 */
export const usualSecrets = [
  // of applications: environment values, database passwords
  ...['.env', '.env.*', '.envrc', '!.env.example', '!.env.sample', '!.env.template', '!.env.dist', 'wp-config.php'],
  'wp-config.php.*',
  // private keys and key stores; Let's Encrypt's other files, and lists of authorities, are public
  ...['*.pem', '!cacert.pem', ...['cert', 'chain', 'fullchain'].flatMap(numbered)],
  ...['*.key', '*.p12', '*.pfx', '*.jks', '*.kdbx'],
  // of SSH: a person's, and the machine's own
  ...['id_rsa', 'id_dsa', 'id_ecdsa', 'id_ed25519', 'id_ecdsa_sk', 'id_ed25519_sk', 'ssh_host_*_key'],
  // of clients and tools
  ...['.pgpass', '.my.cnf', 'debian.cnf', '.netrc', '.git-credentials', '.htpasswd', '.pypirc', '.vault-token'],
  ...[
    'credentials.json',
    '**/.aws/credentials',
    '**/.docker/config.json',
    '**/.kube/config',
    '*.tfstate',
    '*.tfstate.*',
  ],
  // of the machine, if the folder is /etc or /
  ...['', '/etc'].flatMap((above) =>
    ['shadow', 'gshadow'].flatMap((name) => [`${above}/${name}`, `${above}/${name}-`]),
  ),
];

/** The patterns for folders that are themselves named by the programs above. */
const ofFolders: Readonly<Record<string, string>> = {
  '.aws': '/credentials',
  '.docker': '/config.json',
  '.kube': '/config',
};

/** Let's Encrypt numbers what it renews: `cert7.pem`. */
function numbered(name: string): string[] {
  return ['', '[0-9]', '[0-9][0-9]', '[0-9][0-9][0-9]'].map((number) => `!${name}${number}.pem`);
}

/** Whether a file looks like a secret, by its path below a folder of this name. `own`: further patterns. */
export function looksSecret(own: readonly string[], folder: string): (path: string) => boolean {
  const ofIt = ofFolders[folder.toLowerCase()];
  const isSecret = matching([...usualSecrets, ...(ofIt === undefined ? [] : [ofIt]), ...own], { anyCase: true });
  return (path) => isSecret(asPattern(path));
}

/** Throws `config-invalid` if there is a path: the file looks like a secret, and the backup is not encrypted. */
export function noSecrets(paths: readonly string[]): void {
  const secrets = paths.toSorted().map(pathText);
  const [first] = secrets;
  if (first === undefined) return;
  const names = fewNames(secrets);
  throw new BackupError('config-invalid', `it holds what looks like secrets, and is not encrypted: ${names}`, {
    hint:
      'name encryption.recipients for the source (docs/encryption.md), leave them out by exclude, or say that they are ' +
      `none: secrets: ["!/${first}"]`,
  });
}
