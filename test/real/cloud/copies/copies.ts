import { CreateMultipartUploadCommand, AbortMultipartUploadCommand } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import type { Invocation } from '../../lambda/sandbox/function.ts';
import { errorOf, valueOf } from '../../lambda/sandbox/outcome.ts';
import { s3Client } from '../../../servers/s3/client.ts';
import { mariadbSql } from '../../lambda/sql.ts';
import { messagesOf, type World } from '../world.ts';
import { bytesOf, first, hide, lockOf, offsite, put, uploadsIn, versionsIn } from './objects.ts';

const answerOf = (run: { attempts: Invocation[] }): Record<string, unknown> =>
  valueOf(run.attempts.at(-1)!) as Record<string, unknown>;
const isLease = ({ key }: { key: string }): boolean => key.endsWith('/lease.json');
const manifestsOf = (source: string, versions: readonly { key: string }[]): string[] =>
  versions.flatMap(({ key }) => new RegExp(`^prod/${source}/([^/]+)/manifest\\.json$`).exec(key)?.[1] ?? []);

/** What a function copies under its own role into a bucket that locks it, and what comes back from there. */
export function copies(world: () => World): void {
  test('what was made since is copied by its schedule, byte for byte, and locked; what is there is left alone', async () => {
    const { fire } = world();

    const brought = [answerOf(await fire('copy-shop')), answerOf(await fire('copy-blog'))];
    const again = answerOf(await fire('copy-blog'));
    const there = (await versionsIn(world(), offsite)).filter((one) => !isLease(one));
    const here = new Map((await versionsIn(world(), first)).map((one) => [one.key, one]));

    expect(brought).toMatchObject([{ status: 'copied' }, { status: 'copied' }]);
    expect(again).toMatchObject({ status: 'copied', copies: [{ vault: 'offsite', copied: [], removed: [] }] });
    for (const source of ['shop', 'blog']) expect(manifestsOf(source, there).length).toBeGreaterThan(1);
    // written once each: a second version would be one that was written over
    expect(new Set(there.map(({ key }) => key)).size).toBe(there.length);
    expect(there.some(({ key }) => key.endsWith('/manifest.sig'))).toBe(true);
    const compared = there.map(async (one) => {
      const [copy, original, lock] = await Promise.all([
        bytesOf(world(), offsite, one),
        bytesOf(world(), first, here.get(one.key)!),
        lockOf(world(), one),
      ]);
      return [one.key, copy.equals(original), lock];
    });
    expect(await Promise.all(compared)).toEqual(there.map(({ key }) => [key, true, 'GOVERNANCE']));
  }, 60_000);

  test('restores and drills of a copy read the copy alone, and write nothing there', async () => {
    const {
      fn,
      shop,
      cloud: { gate },
    } = world();
    // as where somebody has worked in the copy as the vault
    for (const source of ['shop', 'blog']) {
      const [ledger] = await versionsIn(world(), first, `${source}/ledger.json`);
      await put(world(), offsite, ledger!.key, await bytesOf(world(), first, ledger!));
    }
    const [before, asked] = [await versionsIn(world(), offsite), gate.judged.length];

    const restored = ['shop', 'blog'].map((source) =>
      fn(`restore-${source}`).invoke({ source, vault: 'offsite', to: `${source}_copied` }),
    );
    const drilled = ['shop', 'blog'].map((source) => fn(`drill-${source}`).invoke({ source, vault: 'offsite' }));
    const answers = (await Promise.all([...restored, ...drilled])).map(valueOf);

    expect(answers.map((answer) => (answer as { status: string }).status)).toEqual([
      ...['restored', 'restored'],
      ...['drilled', 'drilled'],
    ]);
    for (const answer of answers)
      expect(answer).toMatchObject({
        proof: expect.stringContaining('proven equal: 1 table, 5,000 rows') as unknown,
        notes: [expect.stringContaining('no record beside a copy (offsite)') as unknown],
      });
    expect(await mariadbSql(shop.blog, 'select count(*) as n from blog_copied.posts')).toEqual([{ n: 5000 }]);
    expect(await versionsIn(world(), offsite)).toEqual(before);
    const read = gate.judged.slice(asked).filter(({ call }) => /GetObject$/.test(call.action));
    const backups = read.filter(({ call }) => /\/(data|manifest)[/.]/.test(call.resource));
    expect(new Set(backups.map(({ call }) => call.resource.split('/')[0]))).toEqual(
      new Set([`arn:aws:s3:::${offsite}`]),
    );
  }, 60_000);
}

/** After the others: it tells, and single runs tell three messages an hour. */
export function rotten(world: () => World): void {
  test('a part that has rotted in the first vault is not copied: nothing is half there, it is told, an alarm rings, and the next run has it', async () => {
    const { fn, told, alarm } = world();
    const copying = () => fn('copy').invoke({ source: 'shop', hoursFromNow: 92 }, { handler: 'clock.handler' });
    // large enough to go up in pieces
    const id = manifestsOf('shop', await versionsIn(world(), first, 'shop/'))
      .sort()
      .at(-1)!;
    const parts = await versionsIn(world(), first, `shop/${id}/data/`);
    const bodies = await Promise.all(parts.map((one) => bytesOf(world(), first, one)));
    const good = bodies.toSorted((one, other) => other.length - one.length)[0]!;
    const part = parts[bodies.indexOf(good)]!;
    const bad = Buffer.from(good);
    bad[100]! ^= 1;
    await told.take();

    await put(world(), first, part.key, bad);
    const failed = errorOf(await copying());
    const half = (await versionsIn(world(), offsite, `shop/${id}/`)).map(({ key }) => key);
    const uploads = await uploadsIn(world(), offsite);
    const news = await messagesOf(told);
    const rings = await alarm('copy-failed');
    await put(world(), first, part.key, good);
    const copied = valueOf(await copying());

    expect(good.length).toBeGreaterThan(8 * 1024 ** 2);
    expect(failed).toMatchObject({ errorType: 'part-corrupt' });
    expect(half.filter((key) => key === part.key || key.endsWith('manifest.json'))).toEqual([]);
    expect(uploads).toEqual([]);
    expect(news.map(({ kind, source }) => [kind, source])).toEqual([['copy-failed', 'shop']]);
    expect(rings).toBe('ALARM');
    expect(copied).toMatchObject({ status: 'copied', copies: [{ copied: [{ id, state: 'copied' }] }] });
    const there = (await versionsIn(world(), offsite, part.key.slice('prod/'.length)))[0]!;
    expect((await bytesOf(world(), offsite, there)).equals(good)).toBe(true);

    await hide(world(), offsite, part.key);
    const mended = valueOf(await copying());
    expect(mended).toMatchObject({ copies: [{ copied: [{ id, state: 'copied', parts: 1 }] }] });
  }, 60_000);

  test('parts of every kind may be begun by the function that copies, were they large, and ended', async () => {
    const {
      cloud: { aws, gate, roles },
    } = world();
    const client = s3Client({ ...aws, endpoint: gate.endpoint, ...roles.get('copy')!.credentials });
    for (const file of ['schema.pgdump', 'catalog.json.zst', 'after.sql.zst']) {
      const one = { Bucket: offsite, Key: `prod/shop/20260101T020000Z-dddddd/${file}` };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(one));
      await client.send(new AbortMultipartUploadCommand({ ...one, UploadId }));
    }
    client.destroy();

    expect(await uploadsIn(world(), offsite)).toEqual([]);
  });
}
