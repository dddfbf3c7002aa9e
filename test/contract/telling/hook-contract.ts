import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RunEnded } from '../../../core/contract/events/run-ended.ts';
import type { Hook } from '../../../core/ports.ts';

/** A kind of hook, and the other side of it. */
export type HookUnderTest = {
  /** Whoever it calls takes it. */
  hook: Hook;
  /** The same kind, where the other side refuses, and where it never answers. */
  refused: Hook;
  unanswered: Hook;
  /** An event that it wants, with this word in it where it passes on more than how a run ended, and one that it does not. */
  wanted(word: string): RunEnded;
  unwanted: RunEnded;
  /** What the other side has taken, as it came. */
  taken(): Promise<string[]>;
  /** How the other side is to read this event. */
  reads(event: RunEnded): string;
  /** What no message may show: where the hook calls, if that is secret. */
  secret: string | undefined;
  close(): Promise<void>;
};

const limit = () => AbortSignal.timeout(60_000);

/** What every hook promises (`Hook` in core/ports.ts). */
export function hookContract(kind: string, make: () => Promise<HookUnderTest>): void {
  describe(kind, () => {
    let under: HookUnderTest;
    beforeAll(async () => {
      under = await make();
    });
    afterAll(() => under.close());

    test('it says which ends it wants, and the same each time', () => {
      const { hook, wanted, unwanted } = under;

      expect([hook.wants(wanted('a')), hook.wants(wanted('b')), hook.wants(unwanted)]).toEqual([true, true, false]);
      expect(hook.wants(wanted('a'))).toBe(true);
    });

    test('what it was called with has come whole, and once, when the call ends', async () => {
      const { hook, wanted, taken, reads } = under;
      const before = (await taken()).length;

      await hook.call(wanted('it’s "whole" \\ 100 % ✓'), limit());

      expect((await taken()).slice(before)).toEqual([
        expect.stringContaining(reads(wanted('it’s "whole" \\ 100 % ✓'))),
      ]);
    });

    test('calls side by side do not mix', async () => {
      const { hook, wanted, taken, reads } = under;
      const before = (await taken()).length;

      await Promise.all(['one', 'two', 'three'].map((word) => hook.call(wanted(word), limit())));

      const came = (await taken()).slice(before);
      expect(came).toHaveLength(3);
      for (const word of ['one', 'two', 'three'])
        expect(came).toContainEqual(expect.stringContaining(reads(wanted(word))));
    });

    test('refused is a failure with a remedy, which shows no secret; the next call is one of its own', async () => {
      const { refused, wanted, secret } = under;

      for (const word of ['first', 'second']) {
        const error = (await refused.call(wanted(word), limit()).catch((reason: unknown) => reason)) as Error & {
          hint: string;
        };
        expect(error).toMatchObject({ code: 'hook-failed', hint: expect.any(String) });
        if (secret !== undefined) expect(`${refused.name} ${error.message} ${error.hint}`).not.toContain(secret);
      }
    });

    test('asked to stop before it begins, it tells nobody', async () => {
      const { hook, wanted, taken } = under;
      const before = await taken();

      await expect(hook.call(wanted('stopped'), AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });

      expect(await taken()).toEqual(before);
    });

    test('asked to stop while it waits, it stops', async () => {
      const { unanswered, wanted } = under;

      // the limit of a call is 30 s at least: whoever waits for that fails as hook-failed
      await expect(unanswered.call(wanted('waiting'), AbortSignal.timeout(300))).rejects.toMatchObject({
        code: 'aborted',
      });
    });
  });
}
