import { isLoopback, registryHost } from '../../../domain/tools/image-reference.ts';
import type { ImageReference } from '../../../domain/tools/image-reference.ts';
import type { RegistryDoor } from './asking.ts';
import type { RegistryLogin } from './token.ts';

/** How to reach the registry of a source. `plain`: without TLS; `ca`: its authority, as PEM. */
export type RegistryAccess = { plain: boolean; ca?: string | undefined; login?: RegistryLogin | undefined };

/** A source's settings apply to its own registry only: no other one gets its password or is reached without TLS. */
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
