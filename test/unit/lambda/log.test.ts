import { expect, test } from '@jest/globals';
import { jsonLog, reportTo } from '../../../functions/host/log.ts';
import type { SourceName } from '../../../core/domain/keys.ts';

const now = () => new Date('2026-11-21T02:00:00Z');

test('no secret is in a line, wherever in it, nor what makes an address signed', () => {
  const lines: string[] = [];
  const log = jsonLog({
    fields: { run: '7f3a9c12' },
    now,
    write: (line) => lines.push(line),
    secrets: () => ['hunter2', '', 'a+b/c==', 'a%2Bb%2Fc%3D%3D'],
  });

  log('ERROR', 'failed with hunter2', {
    deep: { list: ['a+b/c== and db:5432/?Action=connect&X-Amz-Security-Token=a%2Bb&X-Amz-Signature=0123abc'] },
  });

  expect(lines).toEqual([
    `${JSON.stringify({
      timestamp: '2026-11-21T02:00:00.000Z',
      level: 'ERROR',
      message: 'failed with ***',
      run: '7f3a9c12',
      deep: { list: ['*** and db:5432/?Action=connect&X-Amz-Security-Token=***&X-Amz-Signature=***'] },
    })}\n`,
  ]);
});

test('bytes that pass leave no line, warnings leave one', () => {
  const lines: string[] = [];
  const report = reportTo(
    jsonLog({ fields: { source: 'shop' as SourceName }, now, write: (line) => lines.push(line), secrets: () => [] }),
  );

  report({ type: 'progress', rows: 1, bytes: 10, storedBytes: 5 });
  report({ type: 'warning', message: 'a view is broken' });

  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      timestamp: '2026-11-21T02:00:00.000Z',
      level: 'WARN',
      message: 'warning',
      source: 'shop',
      warning: 'a view is broken',
    },
  ]);
});
