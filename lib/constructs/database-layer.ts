import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Architecture, Code, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import type { CodeConfig } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { pinsFileName } from '../../core/domain/tools/notices.ts';

export type DatabaseLayerProps = {
  /** The folder of the configuration and of the pins that `nightjar layer update` has written, if any. */
  readonly folder: string;
  /** Regions of the sources that Amazon's own authorities verify: no layer is published without those authorities. */
  readonly regions: readonly string[];
};

/**
 * The database clients, as a layer for arm64. A program makes its content when the assembly is published, so synthesis
 * needs neither the content nor a network. If the assembly is published on another machine, the context `layer` names a
 * zip file of the layer (`nightjar layer build --arch arm64`), which then becomes part of the assembly.
 */
export class DatabaseLayer extends Construct {
  readonly version: LayerVersion;

  constructor(scope: Construct, id: string, { folder, regions }: DatabaseLayerProps) {
    super(scope, id);
    const made = this.node.tryGetContext('layer') as string | undefined;
    this.version = new LayerVersion(this, 'Layer', {
      code: made === undefined ? new MadeWhenPublished(join(folder, pinsFileName), regions) : Code.fromAsset(made),
      compatibleArchitectures: [Architecture.ARM_64],
      description: 'Database clients of Nightjar: PostgreSQL, MariaDB, zstd',
    });
  }
}

/** An asset whose file is printed by a program; identified by a digest of everything that it is made from. */
class MadeWhenPublished extends Code {
  readonly isInline = false;
  readonly #pins: string;
  readonly #regions: readonly string[];

  constructor(pins: string, regions: readonly string[]) {
    super();
    this.#pins = pins;
    this.#regions = [...new Set(regions)].sort();
  }

  override bind(scope: Construct): CodeConfig {
    const { program, recipe } = recipeOf();
    const own = existsSync(this.#pins) ? [this.#pins] : [];
    const needed = this.#regions.length === 0 ? [] : [`--regions=${this.#regions.join(',')}`];
    const location = Stack.of(scope).synthesizer.addFileAsset({
      executable: [process.execPath, program, 'arm64', ...own, ...needed],
      sourceHash: digestOf(recipe, own, needed),
      displayName: 'Nightjar database clients',
    });
    return { s3Location: { bucketName: location.bucketName, objectKey: location.objectKey } };
  }
}

/** The program that makes the layer, and the folder of its inputs: one file each in the package, else the sources. */
function recipeOf(): { program: string; recipe: string } {
  const shipped = join(import.meta.dirname, '../db-tools');
  if (existsSync(join(shipped, 'zip.mjs'))) return { program: join(shipped, 'zip.mjs'), recipe: shipped };
  const sources = join(import.meta.dirname, '../../layers/db-tools');
  return { program: join(sources, 'zip.ts'), recipe: sources };
}

function digestOf(folder: string, more: readonly string[], words: readonly string[]): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^(?!build\/).*\.(m?[jt]s|json|pem)$/.test(name),
  );
  for (const name of names.sort())
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(join(folder, name)));
  for (const file of more) hash.update(readFileSync(file));
  for (const word of words) hash.update(word);
  return hash.digest('hex');
}
