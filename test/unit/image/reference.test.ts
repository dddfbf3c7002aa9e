import { expect, test } from '@jest/globals';
import {
  imageName,
  isLoopback,
  parseImageReference,
  registryHost,
} from '../../../core/domain/tools/image-reference.ts';
import { placeCalled, placeText } from '../../../core/engines/image/place.ts';

const hex = 'ab'.repeat(32);

test.each([
  ['registry.example.com/shop/app:1.2', { registry: 'registry.example.com', repository: 'shop/app', tag: '1.2' }],
  ['localhost:5000/app', { registry: 'localhost:5000', repository: 'app', tag: 'latest' }],
  ['[::1]:5000/app:x', { registry: '[::1]:5000', repository: 'app', tag: 'x' }],
  [
    `images.example.org/a/b@sha256:${hex}`,
    { registry: 'images.example.org', repository: 'a/b', digest: `sha256:${hex}` },
  ],
  [
    `images.example.org/a/b:1@sha256:${hex}`,
    { registry: 'images.example.org', repository: 'a/b', tag: '1', digest: `sha256:${hex}` },
  ],
  ['docker.io/debian:12', { registry: 'docker.io', repository: 'library/debian', tag: '12' }],
])('%s is an image', (text, reference) => {
  expect(parseImageReference(text)).toEqual(reference);
});

test.each([
  'debian:12',
  'shop/app:1.2',
  'localhost:5000',
  'registry.example.com/App:1',
  'registry.example.com/../etc:1',
  'registry.example.com/app:',
  'registry.example.com/app:-x',
  'registry.example.com/app@sha256:abc',
  'registry.example.com/app?x=1',
  'user:hunter2@registry.example.com/app:1',
  'https://registry.example.com/app:1',
  'a\nregistry.example.com/app:1',
  '',
])('%j is none', (text) => {
  expect(parseImageReference(text)).toBeUndefined();
});

test('the API of Docker Hub is elsewhere', () => {
  expect(registryHost({ registry: 'docker.io' })).toEqual({ host: 'registry-1.docker.io', port: undefined });
  expect(registryHost({ registry: '[::1]:5000' })).toEqual({ host: '::1', port: 5000 });
});

test('an image is written as it was read, with what is taken for granted', () => {
  const shown = (text: string) => imageName(parseImageReference(text)!);
  const whole = ['registry.example.com/app:1', `localhost:5000/a/b@sha256:${hex}`, `a.b/c:1@sha256:${hex}`];

  expect(whole.map(shown)).toEqual(whole);
  expect([shown('a.b/c'), shown('docker.io/debian')]).toEqual(['a.b/c:latest', 'docker.io/library/debian:latest']);
});

test('this machine alone reaches its loopback', () => {
  expect(['localhost', 'LOCALHOST', '127.0.0.1', '127.10.200.3', '::1'].map(isLoopback)).toEqual(Array(5).fill(true));
  const others = ['localhost.example.com', 'mylocalhost', '127.0.0.1.example.com', '10.127.0.0.1', '::12', '128.0.0.1'];
  expect(others.map(isLoopback)).toEqual(others.map(() => false));
});

const own = parseImageReference('registry.example.com/shop/app:1.2')!;

test.each([
  ['1.2', 'registry.example.com/shop/app:1.2'],
  ['1.2_20261120_020000', 'registry.example.com/shop/app:1.2_20261120_020000'],
  ['other.example.com/x:1', 'other.example.com/x:1'],
  ['/srv/app', 'oci:/srv/app'],
])('--to %s is %s', (name, place) => {
  expect(placeText(placeCalled(name, own))).toBe(place);
});

test.each(['shop/app:1', 'no good', '.hidden', 'x'.repeat(129)])('--to %s is no place', (name) => {
  expect(() => placeCalled(name, own)).toThrow('is no place for an image');
});
