import type { SourcePlace } from '../../../engines/descriptor.ts';
import { authorityRegion } from '../../../domain/tools/rds-endpoint.ts';
import type { RdsSource } from '../../../domain/tools/notices.ts';
import type { Config } from '../config.ts';
import { factsOf } from './source-facts.ts';

/** Sources whose servers (or drill servers) are verified by Amazon's own authorities, with the region of those. */
export function rdsSources({ sources }: Pick<Config, 'sources'>): RdsSource[] {
  return [...sources].flatMap(([source, config]) => {
    const { drills, ...own } = factsOf(config);
    const regions = [own, ...(drills === undefined ? [] : [drills])].flatMap(regionsOf);
    return [...new Set(regions)].map((region) => ({ source, region }));
  });
}

function regionsOf({ server }: Pick<SourcePlace, 'server'>): string[] {
  if (server === undefined || server.tls.mode === 'off' || server.tls.ca !== 'rds') return [];
  const region = authorityRegion(server.host);
  return region === undefined ? [] : [region];
}
