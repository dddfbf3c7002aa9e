import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { openOutput } from '../../../bin/cli/text/output.ts';
import { progressLine, showProgress } from '../../../bin/cli/text/progress.ts';
import { aligned, shortSpan } from '../../../bin/cli/text/text.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';

const state = { label: 'backing up', totalBytes: 1e9, bytes: 0, storedBytes: 0, rows: 0, row: 'row', since: 0 };

/** A stream that keeps what was written, and is a terminal of that width where one is given. */
function screen(columns?: number) {
  const stream = new PassThrough();
  const texts: string[] = [];
  stream.on('data', (chunk: Buffer) => texts.push(chunk.toString()));
  return {
    stream: Object.assign(
      stream,
      columns === undefined ? {} : { isTTY: true, columns },
    ) as unknown as NodeJS.WriteStream,
    texts,
  };
}

test.each([
  ['nothing yet', { totalBytes: 0 }, 1000, 'shop  backing up'],
  ['a beginning, too early to tell the time left', { bytes: 1e6 }, 1000, 'shop  backing up  0 %  1.00 MB  1.00 MB/s'],
  [
    'half way',
    { bytes: 5e8, storedBytes: 6e7, rows: 1_204_332 },
    5000,
    'shop  backing up  50 %  1,204,332 rows  500 MB  100 MB/s  60.0 MB stored  5.0 s left',
  ],
  ['files', { bytes: 1000, rows: 1, row: 'file' }, 1000, 'shop  backing up  0 %  1 file  1.00 kB  1.00 kB/s'],
  ['more than was guessed', { bytes: 2e9 }, 20_000, 'shop  backing up  99 %  2.00 GB  100 MB/s'],
  [
    'work whose size is not known',
    { label: 'indexes and constraints', totalBytes: 0, bytes: 2000 },
    20_000,
    'shop  indexes and constraints  2.00 kB  100 B/s',
  ],
])('progress of %s', (_, more, now, line) => {
  expect(progressLine('shop', { ...state, ...more }, now)).toBe(line);
});

test('somebody who looks sees one line that changes, is cut to the width, and is gone before the result', () => {
  const [stdout, stderr] = [screen(40), screen(40)];
  const out = openOutput(stdout.stream, stderr.stream, false);
  const progress = showProgress('a-source-with-a-rather-long-name', 'backing up', out, () => 0);

  progress.report({ type: 'warning', message: 'table t is not transactional' });
  progress.end();
  out.say('done');

  expect(stderr.texts.join('')).toBe(
    'a-source-with-a-rather-long-name  back…\r\x1b[2Kwarning: a-source-with-a-rather-long-name:\n         table ' +
      't is not transactional\n',
  );
  expect(stdout.texts.join('')).toBe('done\n');
});

test('in a pipe no control characters are written', () => {
  const [stdout, stderr] = [screen(), screen()];
  const out = openOutput(stdout.stream, stderr.stream, false);

  out.live('shop  backing up');
  out.note('noted');
  out.say('said');

  expect([stdout.texts.join(''), stderr.texts.join('')]).toEqual(['said\n', 'noted\n']);
});

test('each stage counts from nothing', async () => {
  const stderr = screen(100);
  const progress = showProgress('shop', 'restoring', openOutput(screen().stream, stderr.stream, false), () => 0);
  progress.report({ type: 'progress', rows: 5, bytes: 1000, storedBytes: 0 });

  progress.report({ type: 'stage', label: 'proof', totalBytes: 2000 });
  progress.report({ type: 'progress', rows: 0, bytes: 500, storedBytes: 0 });
  await new Promise((resolve) => setTimeout(resolve, 400));
  progress.end();

  expect(stderr.texts.join('')).toContain('shop  proof  25 %  500 B  0 B/s');
});

test('what is counted has the name that its engine gives it, also in later stages', async () => {
  const stderr = screen(100);
  const progress = showProgress('media', 'restoring', openOutput(screen().stream, stderr.stream, false), () => 0);
  const id = '2026-01-01T00-00-00Z-00000000' as BackupId;

  progress.report({
    type: 'planned',
    source: 'media' as SourceName,
    engine: 'files',
    id,
    what: '',
    totalBytes: 0,
    parts: 1,
  });
  progress.report({ type: 'stage', label: 'proof', totalBytes: 2000 });
  progress.report({ type: 'progress', rows: 2, bytes: 500, storedBytes: 0 });
  await new Promise((resolve) => setTimeout(resolve, 400));
  progress.end();

  expect(stderr.texts.join('')).toContain('media  proof  25 %  2 files  500 B');
});

test.each([
  [0, '0 s'],
  [-5000, '0 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_199_000, '119 min'],
  [172_799_000, '47 h'],
  [172_800_000, '2 d'],
  [9_000 * 86_400_000, '9000 d'],
])('%p ms are %s', (ms, text) => {
  expect(shortSpan(ms)).toBe(text);
});

test('columns are as wide as their widest cell', () => {
  expect(
    aligned(
      [
        ['id', 'rows'],
        ['a', '1,000'],
        ['long', '7'],
      ],
      [1],
    ),
  ).toEqual(['id     rows', 'a     1,000', 'long      7']);
});
