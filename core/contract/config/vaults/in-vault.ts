import type { Config } from '../config.ts';

/**
 * The configuration of who works in a further vault: that is the vault, and what is kept there is what its sources say
 * of it. Undefined where there is none of this name.
 */
export function inVault(config: Config, name: string): Config | undefined {
  const vault = Object.hasOwn(config.vaults, name) ? config.vaults[name] : undefined;
  if (vault === undefined) return undefined;
  const there = (sources: Config['sources']): Config['sources'] =>
    new Map(
      [...sources].map(([source, settings]) => {
        const { retention } = settings.copies.find((copy) => copy.vault === name) ?? settings;
        return [source, { ...settings, retention, copies: [] }];
      }),
    );
  return { ...config, vault, vaults: {}, sources: there(config.sources), servers: there(config.servers) };
}
