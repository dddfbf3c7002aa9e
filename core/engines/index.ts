import type * as z from 'zod';
import type { Settings } from '../contract/config/settings/settings.ts';
import type { RowDialect } from '../domain/django/dialect.ts';
import { databaseWords } from '../domain/content-words.ts';
import type { ContentWords } from '../domain/content-words.ts';
import { BackupError } from '../domain/errors.ts';
import type { Inspection, PlainSql } from '../ports.ts';
import type { EngineSurroundings } from '../surroundings.ts';
import type { EngineDescriptor } from './descriptor.ts';
import { files } from './files/descriptor.ts';
import { image } from './image/descriptor.ts';
import { mariadb, mariadbGlobals } from './mariadb/descriptor.ts';
import { postgres, postgresGlobals } from './postgres/descriptor.ts';
import { sqlite } from './sqlite/descriptor.ts';

/** Every engine there is, by its key in a source. Nobody else names one. */
export const engines = { postgres, postgresGlobals, mariadb, mariadbGlobals, sqlite, files, image };

export type EngineName = keyof typeof engines;
export type EngineSchema<Name extends EngineName> = (typeof engines)[Name]['schema'];
/** A source of one engine or another; `at` is what stands under that engine's key. */
export type SourceOfEngine = Settings &
  { [Name in EngineName]: { engine: Name; at: z.output<EngineSchema<Name>> } }[EngineName];

export const engineNames = Object.keys(engines) as EngineName[];

/** An engine by name, for whoever does not ask which one it is: what it is given has to be of that engine. */
export function descriptorOf(name: EngineName): EngineDescriptor {
  return engines[name];
}

/** The engine of a server of Amazon RDS, by what RDS calls it; undefined for what has none here. */
export function engineOfRds(called: string): EngineName | undefined {
  return engineNames.find((name) => descriptorOf(name).rds?.test(called));
}

/** What the sources of an engine, and what they hold, are called: of one that is not known here, as of a database. */
export function wordsOf(engine: string): ContentWords {
  return (Object.hasOwn(engines, engine) ? descriptorOf(engine as EngineName).words : undefined) ?? databaseWords;
}

/** How servers of an engine want rows of other origin written. Throws `input-invalid` for one that takes none. */
export async function dialectOf(name: string): Promise<RowDialect> {
  const dialect = await (Object.hasOwn(engines, name) ? descriptorOf(name as EngineName).dialect?.() : undefined);
  if (dialect !== undefined) return dialect;
  const known = engineNames.filter((one) => descriptorOf(one).dialect !== undefined);
  throw new BackupError('input-invalid', `rows can't be written for ${name}`, { hint: `for ${known.join(' or ')}` });
}

/**
 * What a restore would ask of a backup's content, by the engine that its manifest names: for whoever has no login.
 * Nothing where that engine is not known here.
 */
export async function inspection(engine: string): Promise<Inspection> {
  const known = Object.hasOwn(engines, engine) ? descriptorOf(engine as EngineName) : undefined;
  return (await known?.inspection?.()) ?? { inspect: (_, content) => content };
}

/** What makes one text of SQL of backups of this engine. Throws `input-invalid` where nothing does. */
export async function plainSqlOf(
  engine: string,
  from: Pick<EngineSurroundings, 'tools'>,
  signal: AbortSignal,
): Promise<PlainSql> {
  const known = Object.hasOwn(engines, engine) ? descriptorOf(engine as EngineName) : undefined;
  const found = await known?.plainSql?.(from, signal);
  if (found !== undefined) return found;
  throw new BackupError('input-invalid', `a backup of ${engine} is no text of SQL`, {
    hint: 'bring it as it is stored: nightjar pull <source> --to <folder>',
  });
}
