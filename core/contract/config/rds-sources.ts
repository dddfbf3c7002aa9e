import { authorityRegion } from '../../domain/tools/rds-endpoint.ts';
import type { RdsSource } from '../../domain/tools/notices.ts';
import type { Config } from './config.ts';
import { tlsChoice } from './server.ts';
import type { ServerConfig } from './server.ts';

/**
 * Sources whose servers, or the servers of whose drills, are verified by Amazon's own authorities, and the region whose
 * they are.
 */
export function rdsSources({ sources }: Pick<Config, 'sources'>): RdsSource[] {
  return [...sources].flatMap(([source, { server, drill }]) =>
    [...new Set([server, drill.server].flatMap((one) => (one === undefined ? [] : regionsOf(one))))].map((region) => ({
      source,
      region,
    })),
  );
}

function regionsOf(server: Pick<ServerConfig, 'host' | 'tls'>): string[] {
  const [tls, region] = [tlsChoice(server), authorityRegion(server.host)];
  return tls.mode === 'verify' && tls.ca === 'rds' && region !== undefined ? [region] : [];
}
