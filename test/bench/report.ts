import type { Bytes } from '../../core/domain/units.ts';
import type { Cost } from './measure.ts';
import { ours, oursSealed } from './ways.ts';

/** One run of one way. */
export type Run = Cost & { way: string; storedBytes: Bytes };

type Middle = Omit<Run, 'way'>;

/** The table of medians, as Markdown, and which requirements they meet. */
export function reportOf(runs: readonly Run[], dumpBytes: Bytes): string {
  const ways = [...new Set(runs.map(({ way }) => way))];
  const middles = new Map(ways.map((way) => [way, medianRun(runs.filter((run) => run.way === way))]));
  const mine = middles.get(ours);
  const rows = ways.map((way) => {
    const { wallMs, cpuMs, peakBytes, storedBytes } = middles.get(way)!;
    const spread = runs
      .filter((run) => run.way === way)
      .map((run) => (run.wallMs / 1000).toFixed(1))
      .join(' ');
    const cells = [
      seconds(wallMs),
      ratio(wallMs, mine?.wallMs),
      seconds(cpuMs),
      megabytes(peakBytes),
      storedBytes === 0 ? '–' : megabytes(storedBytes),
      String(Math.round(dumpBytes / 1e3 / wallMs)),
      spread,
    ];
    return `| \`${way.replaceAll('|', '\\|')}\` | ${cells.join(' | ')} |`;
  });
  const head = ['way', 'wall s', 'to ours', 'client CPU s', 'peak memory MB', 'stored MB', 'dump MB/s', 'runs, wall s'];
  return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows, '', ...requirements(middles)].join(
    '\n',
  );
}

const required: {
  text: string;
  against: string;
  holds(ours: Middle, other: Middle): boolean;
  figure(ours: Middle, other: Middle): string;
}[] = [
  { text: 'at least 5 times as fast as pg_dump | gzip', against: 'pg_dump | gzip', ...faster(5) },
  { text: 'at least twice as fast as pg_dump -Fc -Z1', against: 'pg_dump -Fc -Z1', ...faster(2) },
  {
    text: 'smaller than pg_dump -Fc -Z1',
    against: 'pg_dump -Fc -Z1',
    holds: (mine, other) => mine.storedBytes < other.storedBytes,
    figure: (mine, other) => `${megabytes(mine.storedBytes)} against ${megabytes(other.storedBytes)} MB`,
  },
  {
    text: 'within 1.6 of pg_dump >/dev/null',
    against: 'pg_dump >/dev/null',
    holds: (mine, other) => mine.wallMs <= 1.6 * other.wallMs,
    figure: (mine, other) => `${(mine.wallMs / other.wallMs).toFixed(2)}`,
  },
  { text: 'at least 3 times as fast as mariadb-dump | gzip', against: 'mariadb-dump | gzip', ...faster(3) },
  {
    text: 'under 256 MB of memory',
    against: ours,
    holds: (mine) => mine.peakBytes < 256 * 1024 * 1024,
    figure: (mine) => `${megabytes(mine.peakBytes)} MB`,
  },
  {
    text: 'encrypted and signed: at most 15 % more time',
    against: oursSealed,
    holds: (mine, sealed) => sealed.wallMs <= 1.15 * mine.wallMs,
    figure: (mine, sealed) => `${((sealed.wallMs / mine.wallMs - 1) * 100).toFixed(1)} %`,
  },
  {
    text: 'encrypted and signed: at most 1 s more CPU for a GB stored',
    against: oursSealed,
    holds: (mine, sealed) => cpuForGigabyte(mine, sealed) <= 1,
    figure: (mine, sealed) => `${cpuForGigabyte(mine, sealed).toFixed(2)} s`,
  },
];

function cpuForGigabyte(mine: Middle, sealed: Middle): number {
  return (sealed.cpuMs - mine.cpuMs) / 1000 / (sealed.storedBytes / 1e9);
}

function faster(times: number) {
  const figure = (mine: Middle, other: Middle) => other.wallMs / mine.wallMs;
  return {
    holds: (mine: Middle, other: Middle) => figure(mine, other) >= times,
    figure: (mine: Middle, other: Middle) => `${figure(mine, other).toFixed(2)} times`,
  };
}

function requirements(middles: ReadonlyMap<string, Middle>): string[] {
  const mine = middles.get(ours);
  return required.flatMap(({ text, against, holds, figure }) => {
    const other = middles.get(against);
    if (mine === undefined || other === undefined) return [];
    return [`${holds(mine, other) ? 'met   ' : 'MISSED'} ${text}: ${figure(mine, other)}`];
  });
}

function medianRun(runs: readonly Run[]): Middle {
  const middle = (value: (run: Run) => number) =>
    runs.map(value).sort((a, b) => a - b)[Math.floor(runs.length / 2)] ?? 0;
  return {
    wallMs: middle((run) => run.wallMs),
    cpuMs: middle((run) => run.cpuMs),
    peakBytes: middle((run) => run.peakBytes),
    storedBytes: middle((run) => run.storedBytes),
  };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function megabytes(bytes: Bytes): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

function ratio(ms: number, mine: number | undefined): string {
  return mine === undefined ? '–' : (ms / mine).toFixed(2);
}
