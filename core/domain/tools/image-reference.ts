/**
 * An image in a repository of a registry, by a tag, a digest, or both; then the digest decides. `registry`: host and
 * port, as written.
 */
export type ImageReference = {
  registry: string;
  repository: string;
  tag?: string | undefined;
  digest?: string | undefined;
};

/** The grammar of github.com/distribution/reference, which Docker, Podman and skopeo use. */
const hostForm = /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+|[a-z0-9-]+(?=:)|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;
const repositoryForm = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^\w[\w.-]{0,127}$/;
const digestForm = /^sha256:[0-9a-f]{64}$/;

const dockerHub = 'docker.io';

/** Parses an image's name with its registry; undefined for anything else, and for names without a registry. */
export function parseImageReference(text: string): ImageReference | undefined {
  const [, name = '', tag, digest] = /^(.*?)(?::([^:/@]+))?(?:@(.+))?$/s.exec(text) ?? [];
  const slash = name.indexOf('/');
  const [registry, path] = [name.slice(0, Math.max(slash, 0)), name.slice(slash + 1)];
  const repository = registry === dockerHub && !path.includes('/') ? `library/${path}` : path;
  if (!hostForm.test(registry) || !repositoryForm.test(repository)) return undefined;
  if (tag !== undefined && !isImageTag(tag)) return undefined;
  if (digest !== undefined && !digestForm.test(digest)) return undefined;
  return { registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

/** Whether this can be a tag of an image. */
export function isImageTag(text: string): boolean {
  return tagForm.test(text);
}

/** The reference as people write it. */
export function imageName({ registry, repository, tag, digest }: ImageReference): string {
  const ending = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  return `${registry}/${repository}${ending}`;
}

/** Where a registry's API is: Docker Hub's has another host name. */
export function registryHost({ registry }: Pick<ImageReference, 'registry'>): {
  host: string;
  port: number | undefined;
} {
  const { hostname, port } = new URL(`https://${registry === dockerHub ? 'registry-1.docker.io' : registry}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? undefined : Number(port) };
}

/** Whether only this machine can reach it. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);
}
