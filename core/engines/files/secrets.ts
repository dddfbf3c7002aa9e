import { BackupError } from '../../domain/errors.ts';
import { fewNames } from '../../domain/lines.ts';
import { pathText } from './names.ts';
import { asPattern, matching } from './patterns.ts';
import type { FoundPath } from './plan/walk.ts';

/**
 * What usually holds a secret, by the names that the programs themselves give (docs/files.md says whose). A name with
 * no secret that is refused costs a line of configuration; a password in a vault costs more.
 */
export const usualSecrets = [
  // of applications: values for their environment, passwords of databases
  ...['.env', '.env.*', '.envrc', '!.env.example', '!.env.sample', '!.env.template', '!.env.dist', 'wp-config.php'],
  // private keys and stores of them; what else Let's Encrypt makes, and lists of authorities, are public
  ...['*.pem', '!cert.pem', '!cert[0-9]*.pem', '!chain*.pem', '!fullchain*.pem', '!cacert.pem'],
  ...['*.key', '*.p12', '*.pfx', '*.jks', '*.kdbx'],
  // of SSH: a person's, and the machine's own
  ...['id_rsa', 'id_dsa', 'id_ecdsa', 'id_ed25519', 'id_ecdsa_sk', 'id_ed25519_sk', 'ssh_host_*_key'],
  // of clients and tools
  ...['.pgpass', '.my.cnf', 'debian.cnf', '.netrc', '.git-credentials', '.htpasswd', '.pypirc', '.vault-token'],
  ...['credentials.json', '**/.aws/credentials', '**/.docker/config.json', '**/.kube/config', '*.tfstate'],
  // of the machine, where the folder is /etc or /
  ...['/shadow', '/gshadow', '/etc/shadow', '/etc/gshadow'],
];

/**
 * Throws `config-invalid` where a file that was found looks like a secret, for what is stored is not encrypted. `own`:
 * further patterns, which may take back what the usual ones say.
 */
export function noSecrets(own: readonly string[]): (found: readonly Pick<FoundPath, 'path' | 'kind'>[]) => void {
  const isSecret = matching([...usualSecrets, ...own], { anyCase: true });
  return (found) => {
    const secrets = found.filter(({ path, kind }) => kind === 'file' && isSecret(asPattern(path)));
    const [first] = secrets;
    if (first === undefined) return;
    const names = fewNames(secrets.map(({ path }) => pathText(path)));
    throw new BackupError('config-invalid', `it holds what looks like secrets, and is not encrypted: ${names}`, {
      hint:
        'name encryption.recipients for the source (docs/encryption.md), leave them out by exclude, or say that they are ' +
        `none: secrets: ["!/${pathText(first.path)}"]`,
    });
  };
}
