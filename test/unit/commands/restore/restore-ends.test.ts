import { expect, test } from '@jest/globals';
import { requireTrue } from '../../../../core/commands/restore/assertions.ts';
import { incompleteError } from '../../../../core/commands/restore/incomplete.ts';
import type { Restored } from '../../../../core/commands/restore/restore.ts';
import type { AssertionEnd, Target } from '../../../../core/ports.ts';
import { limit } from '../../../support/vaults/vault.ts';

const equalBut = 'toy://shop is equal to its backup, but';
const answering = (answers: Record<string, AssertionEnd>): Target =>
  ({ assert: async (statement) => answers[statement] ?? 'true' }) as Partial<Target> as Target;
const asking = (statements: string[], answers: Record<string, AssertionEnd> = {}) =>
  requireTrue(statements, answering(answers), 'toy://shop', limit());

test('assertions that are true are no matter; one that takes none is a fault only where there are some', async () => {
  await expect(asking(['select true', 'select 1 = 1'])).resolves.toBeUndefined();
  await expect(requireTrue([], {} as Target, 'toy://shop', limit())).resolves.toBeUndefined();
  await expect(requireTrue(['select true'], {} as Target, 'toy://shop', limit())).rejects.toMatchObject({
    code: 'source-unsupported',
    message: "toy://shop can't be asked assertions",
    hint: 'take drill.assert out of the source',
  });
});

test('one that is not true speaks against the backup, on one line, cut where it is long', async () => {
  const long = `select '${'x'.repeat(300)}'`;

  await expect(
    asking(['select\n  false', 'b', long], { 'select\n  false': 'not-true', [long]: 'not-true' }),
  ).rejects.toMatchObject({
    code: 'proof-failed',
    message: `${equalBut} the assertion is not true: select false; the assertion is not true: ${long.slice(0, 199)}…`,
    hint: 'was the source itself so when it was backed up? Restore this backup and look; or correct drill.assert',
  });
  const longest = `select '${'x'.repeat(191)}'`;
  await expect(asking([longest], { [longest]: 'not-true' })).rejects.toMatchObject({
    message: expect.stringMatching(/'x{191}'$/),
  });
});

test('one without an answer says nothing against the backup, unless another one is not true', async () => {
  const answers = { a: { error: 'no such table' }, b: 'not-true' } as const;

  await expect(asking(['a'], answers)).rejects.toMatchObject({
    code: 'config-invalid',
    message: `${equalBut} the assertion could not be answered (no such table): a`,
    hint: 'correct it in nightjar.yaml: drill.assert of the source',
  });
  await expect(asking(['a', 'b'], answers)).rejects.toMatchObject({
    code: 'proof-failed',
    message: `${equalBut} the assertion is not true: b; the assertion could not be answered (no such table): a`,
  });
});

test('a restore with failures is incomplete: each is named on one line, and where everything is', () => {
  const failures = [
    { object: 'view a\nb', error: 'ERROR: no', statement: 'CREATE VIEW' },
    { object: 'view c', error: 'ERROR: none', statement: 'CREATE VIEW' },
  ];
  const restored: Restored = { id: 'x', database: 'again', failures, notes: [] };
  const proof = { tables: 1, rows: 1, objects: 1, definitions: true, ways: {}, exceptions: [] };
  const named = 'restored into toy://again, with 2 failures: view a\\nb: ERROR: no; view c: ERROR: none';

  expect(incompleteError({ ...restored, failures: [] }, 'toy://again')).toBeUndefined();
  expect(incompleteError(restored, 'toy://again')).toMatchObject({
    code: 'restore-incomplete',
    message: `${named}. It is in database again`,
    hint: 'mend what failed in the restored database by hand, statement by statement; it is not proven',
  });
  expect(incompleteError({ ...restored, proof: { ...proof, differences: [] } }, 'toy://again')?.message).toBe(
    `${named}. It is in database again`,
  );
  const eleven = Array.from({ length: 11 }, (_, index) => `table t${index} is missing`);
  expect(
    incompleteError({ ...restored, notReplaced: 'shop', proof: { ...proof, differences: eleven } }, 'toy://again')
      ?.message,
  ).toBe(
    `${named}. differences: ${eleven.slice(0, 10).join('; ')}, and 1 more. Database shop was not replaced: ` +
      'what could be restored is beside it, in database again',
  );
});
