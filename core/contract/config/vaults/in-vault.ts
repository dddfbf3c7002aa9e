import type { Config } from '../config.ts';

/**
 * The configuration for working in a further vault: it becomes the vault, and sources have the retention that they
 * configure for it. Undefined if there is none of this name.
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
