import { isLoopback, registryHost } from '../../../domain/tools/image-reference.ts';
import type { ImageReference } from '../../../domain/tools/image-reference.ts';
import type { RegistryDoor } from './asking.ts';
import type { RegistryLogin } from './token.ts';

/** How the registry of a source is spoken to. `plain`: without TLS; `ca`: who vouches for it, as PEM. */
export type RegistryAccess = { plain: boolean; ca?: string | undefined; login?: RegistryLogin | undefined };

/** What a source says of its registry is good for that one: no other one gets its password, or is spoken to in plain. */
export function doorOf(
  reference: ImageReference,
  { reference: own, access }: { reference: ImageReference; access: RegistryAccess },
): RegistryDoor {
  const { host, port } = registryHost(reference);
  const isOwn = reference.registry === own.registry;
  const isPlain = isOwn ? access.plain : isLoopback(host);
  const name = host.includes(':') ? `[${host}]` : host;
  const url = new URL(`${isPlain ? 'http' : 'https'}://${name}${port === undefined ? '' : `:${port}`}`);
  return isOwn ? { url, ca: access.ca, login: access.login } : { url };
}
