import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { newBackupId, startOf } from '../../../../core/domain/keys.ts';
import { planRetention, reasonText } from '../../../../core/domain/retention/retention.ts';
import { formatDuration, plural } from '../../../../core/domain/units.ts';
import { histories } from './histories.ts';
import type { History } from './histories.ts';

const at = (path: string) => new URL(`../../../../${path}`, import.meta.url);

/**
 * What is decided about a history, newest first, as the documentation shows it: local times, and removed ones that
 * follow one another in a line.
 */
export function shown({ retention, timeZone, starts }: History): string {
  const backups = starts
    .map((start, index) => newBackupId(new Date(start), index / 1000))
    .map((id) => ({ id, start: startOf(id) }));
  const decisions = planRetention(backups, retention, timeZone).toReversed();
  const wall = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  const lines = [`${plural(backups.length, 'backup')}, ${policyText(retention)}, ${timeZone}`, ''];
  let removed: string[] = [];
  const flush = (): void => {
    if (removed.length > 0)
      lines.push(
        removed.length === 1
          ? `remove  ${removed[0]}`
          : `remove  ${removed.at(-1)} to ${removed[0]}, ${removed.length} backups`,
      );
    removed = [];
  };
  for (const { id, reasons } of decisions) {
    const moment = wall.format(startOf(id));
    if (reasons.length === 0) {
      removed.push(moment);
      continue;
    }
    flush();
    reasons.forEach((reason, index) =>
      lines.push(`${index === 0 ? `keep    ${moment}` : ''.padEnd(24)}  ${reasonText(reason)}`),
    );
  }
  flush();
  return `${lines.join('\n')}\n`;
}

test.each(histories)('$name: $title', async (history) => {
  expect(shown(history)).toBe(await readFile(at(`test/golden/retention/${history.name}.txt`), 'utf8'));
});

test('docs/rotation.md shows every history as it is decided, and none of old', async () => {
  const docs = await readFile(at('docs/rotation.md'), 'utf8');

  for (const history of histories) expect(docs).toContain(`**${history.title}**\n\n\`\`\`\n${shown(history)}\`\`\`\n`);
  expect(docs.match(/^```\n\d[\d,]* backups?, /gm)).toHaveLength(histories.length);
  expect((await readdir(at('test/golden/retention'))).sort()).toEqual(histories.map(({ name }) => `${name}.txt`));
});

function policyText(retention: History['retention']): string {
  if ('count' in retention) return `count ${retention.count}`;
  const { keepWithinMs, ...tiers } = retention;
  const named = Object.entries(tiers).flatMap(([tier, places]) => (places > 0 ? [`${tier} ${places}`] : []));
  return [...named, ...(keepWithinMs > 0 ? [`within ${formatDuration(keepWithinMs)}`] : [])].join(', ');
}
