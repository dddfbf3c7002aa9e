import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { AssetManifestArtifact, CloudAssembly } from 'aws-cdk-lib/cx-api';
import { BackupStack } from '../../lib/backup-stack.ts';
import { exampleConfig, exampleStack, quickApp } from './synthesis.ts';
import type { Template } from './synthesis.ts';
import { DatabaseLayer } from '../../lib/constructs/database-layer.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-pins-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('pins beside the configuration make the layer that is deployed, and newer ones another', async () => {
  const pins = join(folder, 'nightjar.lock.json');
  const shipped = asset();

  await writeFile(pins, '{ "at": "2026-11-28" }');
  const first = asset();
  await writeFile(pins, '{ "at": "2026-12-24" }');
  const second = asset();

  expect(shipped.words.slice(-1)).toEqual(['arm64']);
  expect(first.words.slice(-2)).toEqual(['arm64', pins]);
  expect(new Set([shipped.hash, first.hash, second.hash]).size).toBe(3);
});

test('a layer is made for the regions of its sources, and another one when those change', () => {
  const [none, one, both, turned] = [
    [],
    ['eu-west-1'],
    ['il-central-1', 'eu-west-1'],
    ['eu-west-1', 'il-central-1'],
  ].map(asset);

  expect(both!.words.at(-1)).toBe('--regions=eu-west-1,il-central-1');
  expect(new Set([none, one, both].map((made) => made!.hash)).size).toBe(3);
  expect(turned).toEqual(both);
});

test('a stack asks for the regions whose authorities verify its sources, and for no others', () => {
  const { app } = exampleStack('public-rds-iam');
  const files = readdirSync(app.outdir).filter((name) => name.endsWith('.assets.json'));
  const manifest = readFileSync(join(app.outdir, files[0]!), 'utf8');

  expect(manifest).toMatch(/"--regions=eu-[a-z0-9-]+"/);
});

test('a layer that was made before goes into the assembly, so that it publishes from any place', () => {
  const zip = join(folder, 'layer.zip');
  writeFileSync(zip, 'as if');
  const app = quickApp({ context: { layer: zip } });
  new DatabaseLayer(new Stack(app, 'Stack'), 'Tools', { folder, regions: ['eu-west-1'] });
  const { directory } = app.synth();

  const manifest = readFileSync(join(directory, 'Stack.assets.json'), 'utf8');
  const { files } = JSON.parse(manifest) as { files: Record<string, { source: { path: string } }> };
  const paths = Object.values(files).map(({ source }) => source.path);

  expect(manifest).not.toMatch(/"\/|executable/);
  expect(paths.some((path) => path.endsWith('.zip') && readFileSync(join(directory, path), 'utf8') === 'as if')).toBe(
    true,
  );
});

test('an assembly with a layer in it that was made on one path is complete on another', async () => {
  const [zip, made, moved] = ['moved.zip', 'made', 'moved'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(zip, 'as if');
  const app = quickApp({ outdir: made, context: { layer: zip } });
  new BackupStack(app, { config: exampleConfig('public-rds-iam'), folder });
  app.synth();
  await rm(zip);
  await rename(made, moved);

  const { artifacts } = new CloudAssembly(moved);
  const files = artifacts.flatMap((one) => (one instanceof AssetManifestArtifact ? assetsIn(one) : []));
  const { Resources } = JSON.parse(readFileSync(join(moved, 'Nightjar.template.json'), 'utf8')) as Template;
  const published = new Set(files.flatMap(({ keys }) => keys));
  const codes = Object.values(Resources).flatMap(({ Properties: { Code, Content } = {} }) =>
    [Code, Content].flatMap((code) => (code as { S3Key?: string } | undefined)?.S3Key ?? []),
  );

  expect(codes.length).toBeGreaterThan(4);
  expect(codes.filter((key) => !published.has(key))).toEqual([]);
  for (const { path } of files) {
    expect(isAbsolute(path)).toBe(false);
    expect((await realpath(join(moved, path))).startsWith(`${await realpath(moved)}/`)).toBe(true);
  }
  const entries = await readdir(moved, { recursive: true, withFileTypes: true });
  const texts = entries.filter((one) => one.parentPath === moved && one.name.endsWith('.json'));
  expect(entries.filter((one) => one.isSymbolicLink())).toEqual([]);
  for (const { name } of texts) expect(readFileSync(join(moved, name), 'utf8')).not.toMatch(/"executable"|\/made\//);
}, 180_000);

/** What a manifest says is to be published: the file or folder, and under which keys. */
function assetsIn({ file }: AssetManifestArtifact): { path: string; keys: string[] }[] {
  const { files } = JSON.parse(readFileSync(file, 'utf8')) as {
    files: Record<string, { source: { path: string }; destinations: Record<string, { objectKey: string }> }>;
  };
  return Object.values(files).map(({ source: { path }, destinations }) => ({
    path,
    keys: Object.values(destinations).map(({ objectKey }) => objectKey),
  }));
}

/** The program that makes the layer when it is published, and by what CDK knows what it makes. */
function asset(regions: readonly string[] = []): { words: string[]; hash: string } {
  const app = quickApp();
  const stack = new Stack(app, 'Stack');
  new DatabaseLayer(stack, 'Tools', { folder, regions });
  const manifest = app
    .synth()
    .stacks[0]!.dependencies.flatMap((one) =>
      'contents' in one
        ? [one as unknown as { contents: { files: Record<string, { source: { executable?: string[] } }> } }]
        : [],
    );
  const [hash, { source }] = Object.entries(manifest[0]!.contents.files).find(
    ([, file]) => file.source.executable !== undefined,
  )!;
  return { words: source.executable!, hash };
}
