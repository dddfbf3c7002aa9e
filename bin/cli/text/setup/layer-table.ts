import type { CachedLayer, LayerLock, Move } from '../../../../layers/db-tools/index.ts';
import { aligned } from '../text.ts';

type Shown = { lock: LayerLock; file: string; layers: readonly CachedLayer[] };

/** What is pinned and cached: where the pins are, a line for each layer, a line for each package. */
export function layerTable(
  { lock, file, layers }: Shown,
  { days, shipped }: { days: number; shipped: boolean },
): string[] {
  const age = days <= 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`;
  return [
    `pins: ${shipped ? 'those that came with Nightjar' : file}, chosen on ${lock.at} (${age})`,
    '',
    ...aligned([
      ['architecture', 'in the cache', 'folder'],
      ...layers.map(({ architecture, state, folder }) => [architecture, state, state === 'not built' ? '' : folder]),
    ]),
    '',
    ...aligned([['package', 'suite', 'x86_64', 'arm64'], ...packageRows(lock)]),
  ];
}

/** What an update has changed; the same change for both architectures is one line. */
export function movesTable(moves: readonly Move[]): string[] {
  if (moves.length === 0) return [];
  const rows = new Map<string, string[]>();
  for (const { architecture, name, from = 'none', to } of moves) {
    const key = [name, from, to].join(' ');
    const before = rows.get(key)?.[3];
    rows.set(key, [name, from, to, before === undefined ? architecture : `${before}, ${architecture}`]);
  }
  return aligned([['package', 'was', 'is', 'architectures'], ...rows.values()]);
}

function packageRows({ packages: { amd64, arm64 } }: LayerLock): string[][] {
  const names = [...new Set([...amd64, ...arm64].map(({ name }) => name))].sort();
  return names.map((name) => {
    const [one, other] = [amd64, arm64].map((pins) => pins.find((pin) => pin.name === name));
    return [
      name,
      (one ?? other)!.suite,
      one?.version ?? '',
      other?.version === one?.version ? 'the same' : (other?.version ?? ''),
    ];
  });
}
