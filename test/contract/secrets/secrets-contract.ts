import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SecretReference, Secrets } from '../../../core/ports.ts';

/** A place where secrets are kept, empty at first, and who keeps them without Nightjar. */
export type SecretsUnderTest = {
  /** A reader that has read nothing yet: one for each run. */
  open(): Secrets;
  keep(name: string, value: string): Promise<void>;
  reference(name: string): SecretReference;
  close(): Promise<void>;
};

const values = [
  'hunter2',
  ' spaces at both ends ',
  `"quotes", 'more', \`$HOME\` \\n ${'%'}s {"a": 1}`,
  'pässwörd € 🔑',
  'one line\nand another',
  'x'.repeat(4000),
];
const limit = () => AbortSignal.timeout(60_000);
const openLimitMs = 600_000;

/** What every place of secrets promises (`Secrets` in core/ports.ts). */
export function secretsContract(name: string, make: () => Promise<SecretsUnderTest>): void {
  describe(name, () => {
    let under: SecretsUnderTest;
    beforeAll(async () => {
      under = await make();
    }, openLimitMs);
    afterAll(() => under.close());

    test('a secret is read letter by letter, however often and by however many at once', async () => {
      for (const [index, value] of values.entries()) await under.keep(`NIGHTJAR_KEPT_${index}`, value);
      const secrets = under.open();

      const read = () =>
        Promise.all(values.map((_, index) => secrets.get(under.reference(`NIGHTJAR_KEPT_${index}`), limit())));

      expect(await Promise.all([read(), read()])).toEqual([values, values]);
      expect(await read()).toEqual(values);
    });

    test('one that is not there is missing, by its name and with a remedy; once it is there, it is read', async () => {
      const secrets = under.open();
      const reference = under.reference('NIGHTJAR_LATE');

      const missing = { code: 'secret-missing', message: expect.stringContaining('NIGHTJAR_LATE') };
      await expect(secrets.get(reference, limit())).rejects.toMatchObject({ ...missing, hint: expect.any(String) });

      await under.keep('NIGHTJAR_LATE', 'it has come');
      expect(await secrets.get(reference, limit())).toBe('it has come');
    });

    test('an empty one is as good as none', async () => {
      await under.keep('NIGHTJAR_EMPTY', '');

      await expect(under.open().get(under.reference('NIGHTJAR_EMPTY'), limit())).rejects.toMatchObject({
        code: 'secret-missing',
      });
    });

    test('no error shows what is kept beside it', async () => {
      await under.keep('NIGHTJAR_OTHER', 'hunter3');
      const secrets = under.open();
      await secrets.get(under.reference('NIGHTJAR_OTHER'), limit());

      const error = (await secrets
        .get(under.reference('NIGHTJAR_NONE'), limit())
        .catch((reason: unknown) => reason)) as Error & { hint?: string };

      const told = [error.message, error.stack, error.hint, String(error.cause), JSON.stringify(error)];
      expect(error).toMatchObject({ code: 'secret-missing' });
      expect(told.join('\n')).not.toContain('hunter3');
    });

    test('whoever was stopped is told so, or given the secret, and never that there is none', async () => {
      await under.keep('NIGHTJAR_STOPPED', 'hunter4');
      const secrets = under.open();
      const reference = under.reference('NIGHTJAR_STOPPED');

      const stopped = await secrets.get(reference, AbortSignal.abort()).catch((error: { code: string }) => error.code);

      expect(['aborted', 'hunter4']).toContain(stopped);
      expect(await secrets.get(reference, limit())).toBe('hunter4');
    });
  });
}
