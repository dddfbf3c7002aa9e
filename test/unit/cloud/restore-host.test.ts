import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import type { SourceConfig } from '../../../core/contract/config/config.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { hostOfRestore } from '../../../core/domain/tools/restore-host.ts';
import { descriptorOf } from '../../../core/engines/index.ts';
import type { Opening } from '../../../core/engines/descriptor.ts';

const postgres = { host: 'reader.acme.example', database: 'shop', user: 'backup', password: 'iam' };
const allowed = ['writer.acme.example', 'trial.acme.example'];

function sourceOf(cloud: object): SourceConfig {
  const written = { vault: './backups', sources: { shop: { postgres, cloud } } };
  return parseConfig(JSON.stringify(written), 'nightjar.json').sources.get('shop' as SourceName)!;
}

test('restores go to the first server of the list, or to one of it that is named, as the list writes it', () => {
  expect(hostOfRestore(undefined, undefined)).toBeUndefined();
  expect(hostOfRestore(allowed, undefined)).toBe('writer.acme.example');
  expect(hostOfRestore(allowed, 'trial.acme.example')).toBe('trial.acme.example');
  expect(hostOfRestore(allowed, 'Trial.acme.example.')).toBe('trial.acme.example');
});

test.each([
  ['a server that is not in the list', allowed, 'evil.example', 'allows writer.acme.example, trial.acme.example'],
  ['the beginning of one', allowed, 'trial.acme', 'allows writer'],
  ['two in one text', allowed, 'writer.acme.example,evil.example', 'allows writer'],
  ['one with a port', allowed, 'writer.acme.example:5433', 'allows writer'],
  ['any, where there is no list', undefined, 'reader.acme.example', 'names none'],
])('%s is refused, with what may be named', (_, list, named, hint) => {
  expect(() => hostOfRestore(list, named)).toThrow(
    expect.objectContaining({ code: 'input-invalid', hint: expect.stringContaining(hint) }),
  );
});

test('the configuration takes one server or a list of them, and no empty one', () => {
  expect(sourceOf({ restoreHost: 'writer.acme.example' }).cloud.restoreHost).toEqual(['writer.acme.example']);
  expect(sourceOf({ restoreHost: allowed }).cloud.restoreHost).toEqual(allowed);
  for (const wrong of [[], [''], 5]) expect(() => sourceOf({ restoreHost: wrong })).toThrow(/restoreHost/);
});

test('a login is made for a server of the list alone, though whoever opens the source has not looked', async () => {
  const madeFor: string[] = [];
  const from = {
    read: (_: string, user: string) => Promise.resolve(user),
    token: ({ host }: { host: string }) => madeFor.push(host),
    tools: () => Promise.reject(new Error('no tools here')),
  };
  const source = sourceOf({ restoreHost: allowed });
  const open = (opening: Partial<Opening>) =>
    descriptorOf('postgres').open(source, { key: 'sources.shop', ...opening }, from as never, AbortSignal.abort());

  await expect(open({ restoring: true, restoreHost: 'evil.example' })).rejects.toThrow('may not go to evil.example');
  for (const opening of [{}, { restoring: true }, { restoring: true, restoreHost: 'trial.acme.example' }])
    await expect(open(opening)).rejects.toThrow('no tools here');
  expect(madeFor).toEqual(['reader.acme.example', 'writer.acme.example', 'trial.acme.example']);
});
