import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { configInJson } from '../../../core/config-json.ts';

const good = { vault: { folder: './backups' }, sources: { media: { files: { path: './media' } } } };

test('what a deployment writes is read as the parser of YAML reads it', () => {
  const text = `${JSON.stringify(good, undefined, 2)}\n`;

  expect(configInJson(text)).toEqual(parseConfig(text, 'nightjar.yaml'));
});

test.each([
  ['YAML', 'vault: { folder: ./backups }'],
  ['what is wrong', JSON.stringify({ ...good, vaults: 1 })],
  ['nothing', ''],
])('%s is left to that parser', (_, text) => {
  expect(configInJson(text)).toBeUndefined();
});
