import { DeleteObjectCommand, PutObjectLegalHoldCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { openStore } from '../../../../core/store/store.ts';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import { tried } from '../attempts.ts';
import type { Asking } from '../policy/signed.ts';
import type { World } from '../world.ts';
import { asAdmin, first, offsite, versionsIn, type Version } from './objects.ts';

type Deed = Omit<Asking, 'service' | 'path'>;

const bypassing = { 'x-amz-bypass-governance-retention': 'true' };
const sooner = '<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2026-01-01T00:00:00Z</RetainUntilDate></Retention>';

/** What takes bytes away for good, or what keeps them. */
const destroying = (versionId: string): Record<string, Deed> => ({
  'write over': { method: 'PUT', body: 'x' },
  'delete for good': { method: 'DELETE', query: { versionId } },
  'delete for good, past a lock': { method: 'DELETE', query: { versionId }, headers: bypassing },
  'shorten the lock': { method: 'PUT', query: { retention: '', versionId }, headers: bypassing, body: sooner },
  'lift the hold': {
    method: 'PUT',
    query: { 'legal-hold': '', versionId },
    body: '<LegalHold><Status>OFF</Status></LegalHold>',
  },
});
const ofBucket: Record<string, Deed> = {
  'stop versions': {
    method: 'PUT',
    query: { versioning: '' },
    body: '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>',
  },
  'have it expire': { method: 'PUT', query: { lifecycle: '' }, body: '<LifecycleConfiguration/>' },
  'stop locks': { method: 'PUT', query: { 'object-lock': '' }, body: '<ObjectLockConfiguration/>' },
  'open it': { method: 'PUT', query: { policy: '' }, body: '{}' },
  'delete it': { method: 'DELETE' },
};

/** The backup of the blog that both vaults have had the longest: its manifest and what holds its rows. */
async function victims(world: World, bucket: string): Promise<Version[]> {
  const all = await versionsIn(world, bucket, 'blog/');
  const id = all.map(({ key }) => /\/(\d{8}T[^/]+)\/manifest\.json$/.exec(key)?.[1] ?? '~').sort()[0]!;
  return all.filter(({ key }) => key.includes(`/${id}/`) && /manifest\.json$|\/data\/0001/.test(key));
}

/** After all that works: who could undo it. */
export function lasting(world: () => World): void {
  test('with the credentials of each role in turn nothing of a backup or its copy is destroyed for good, nor what keeps it loosened', async () => {
    const {
      cloud: { roles, gate, aws },
    } = world();
    const place = { ...aws, endpoint: gate.endpoint };
    const own = gate.judged.length;
    const before = await Promise.all([first, offsite].map((bucket) => versionsIn(world(), bucket)));

    const done: string[] = [];
    for (const bucket of [first, offsite]) {
      const of = await victims(world(), bucket);
      expect(of).toHaveLength(2);
      const all: [what: string, path: string, deed: Deed][] = [
        ...of.flatMap(({ key, version }) =>
          Object.entries(destroying(version)).map(([what, deed]): (typeof all)[number] => [
            what,
            `/${bucket}/${key}`,
            deed,
          ]),
        ),
        ...Object.entries(ofBucket).map(([what, deed]): (typeof all)[number] => [what, `/${bucket}`, deed]),
      ];
      for (const [what, path, deed] of all) {
        const ends = await Promise.all(
          [...roles].map(async ([who, { credentials }]) =>
            (await tried({ service: 's3', path, ...deed }, place, credentials)) === 'yes'
              ? [`${who}: ${what} ${path}`]
              : [],
          ),
        );
        done.push(...ends.flat());
      }
    }
    // what is tried here is no use of a statement
    gate.judged.splice(own);

    expect(roles.size).toBeGreaterThan(14);
    expect(done).toEqual([]);
    expect(await Promise.all([first, offsite].map((bucket) => versionsIn(world(), bucket)))).toEqual(before);
    expect([gate.disputed, gate.strange]).toEqual([[], []]);
  }, 60_000);

  test('where a lock or the hold of a pin lies on it, not even the administrator destroys a copy', async () => {
    const [part, manifest] = await victims(world(), offsite);
    const id = manifest!.key.split('/').at(-2) as BackupId;
    const remove = ({ key, version }: Version, bypass: boolean): Promise<string> =>
      asAdmin(world(), (client) =>
        client
          .send(
            new DeleteObjectCommand({
              Bucket: offsite,
              Key: key,
              VersionId: version,
              ...(bypass && { BypassGovernanceRetention: true }),
            }),
          )
          .then(
            () => 'gone',
            ({ name }: Error) => name,
          ),
      );

    expect(await remove(part!, false)).toBe('AccessDenied');
    const pinned = await asAdmin(world(), (client) =>
      openStore(s3Vault({ client, bucket: offsite, prefix: 'prod' })).pin(
        'blog' as SourceName,
        id,
        { reason: 'an audit', by: 'ann' },
        { clock: { now: () => new Date() } },
        AbortSignal.timeout(10_000),
      ),
    );
    expect(pinned).toMatchObject({ held: true });
    expect([await remove(part!, true), await remove(manifest!, true)]).toEqual(['AccessDenied', 'AccessDenied']);

    await asAdmin(world(), async (client) => {
      const one = { Bucket: offsite, Key: part!.key };
      const until = new Date(Date.now() + 86_400_000);
      await client.send(
        new PutObjectRetentionCommand({ ...one, Retention: { Mode: 'COMPLIANCE', RetainUntilDate: until } }),
      );
      await client.send(new PutObjectLegalHoldCommand({ ...one, LegalHold: { Status: 'OFF' } }));
    });
    expect(await remove(part!, true)).toBe('AccessDenied');
  });
}
