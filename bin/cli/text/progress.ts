import { databaseWords } from '../../../core/domain/content-words.ts';
import { formatBytes, formatDuration, plural } from '../../../core/domain/units.ts';
import type { Bytes } from '../../../core/domain/units.ts';
import { wordsOf } from '../../../core/engines/index.ts';
import type { Report } from '../../../core/ports.ts';
import type { Output } from './output.ts';
import { cut } from './text.ts';

export type Progress = { report: Report; end(): void };

type ProgressState = {
  label: string;
  totalBytes: Bytes;
  bytes: Bytes;
  storedBytes: Bytes;
  /** How many, and the word for one: a `row`, a `file`. */
  rows: number;
  row: string;
  since: number;
};

const watchedMs = 150;
const unwatchedMs = 10_000;
/** Before this time, the speed says little about the time left. */
const settledMs = 3_000;

/**
 * Shows the progress of work on a source: one changing line if somebody is watching, a line every ten seconds in a log,
 * nothing with --json. `first`: what it does before the work is planned.
 */
export function showProgress(source: string, label: string, out: Output, now: () => number, first = label): Progress {
  let state = begun(first, 0, now());
  const show = () => {
    const line = progressLine(source, state, now());
    if (out.watched) out.live(cut(line, out.columns - 1));
    else out.note(line);
  };
  if (out.watched) show();
  const timer = setInterval(show, out.watched ? watchedMs : unwatchedMs);
  return {
    report(event) {
      if (event.type === 'planned')
        state = { ...begun(label, event.totalBytes, now()), row: wordsOf(event.engine).row };
      else if (event.type === 'stage') state = { ...begun(event.label, event.totalBytes, now()), row: state.row };
      else if (event.type === 'warning') out.note(`warning: ${source}: ${event.message}`);
      else if (event.type === 'progress') {
        state.rows += event.rows;
        state.bytes += event.bytes;
        state.storedBytes += event.storedBytes;
      }
    },
    end() {
      clearInterval(timer);
      out.live(undefined);
    },
  };
}

/**
 * `shop  backing up  45 %  1,204,332 rows  1.20 GB  210 MB/s  430 MB stored  2 min 5 s left`. Sizes are estimates, so
 * it never says 100 %.
 */
export function progressLine(
  source: string,
  { label, totalBytes, bytes, storedBytes, rows, row, since }: ProgressState,
  now: number,
): string {
  const elapsed = now - since;
  const speed = elapsed > 0 ? bytes / (elapsed / 1000) : 0;
  const left = totalBytes > bytes && elapsed > settledMs && speed > 0 ? ((totalBytes - bytes) / speed) * 1000 : 0;
  return [
    source,
    label,
    totalBytes > 0 ? `${Math.min(99, Math.floor((bytes / totalBytes) * 100))} %` : '',
    rows > 0 ? plural(rows, row) : '',
    bytes > 0 ? `${formatBytes(bytes)}  ${formatBytes(Math.round(speed))}/s` : '',
    storedBytes > 0 ? `${formatBytes(storedBytes)} stored` : '',
    left > 0 ? `${formatDuration(left)} left` : '',
  ]
    .filter((field) => field !== '')
    .join('  ');
}

function begun(label: string, totalBytes: Bytes, since: number): ProgressState {
  return { label, totalBytes, bytes: 0, storedBytes: 0, rows: 0, row: databaseWords.row, since };
}
