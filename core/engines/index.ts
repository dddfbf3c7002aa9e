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

/** Every engine, by its key in a source. Nothing else names one. */
export const engines = { postgres, postgresGlobals, mariadb, mariadbGlobals, sqlite, files, image };

export type EngineName = keyof typeof engines;
export type EngineSchema<Name extends EngineName> = (typeof engines)[Name]['schema'];
/** A source of any engine; `at` is what stands under that engine's key. */
export type SourceOfEngine = Settings &
  { [Name in EngineName]: { engine: Name; at: z.output<EngineSchema<Name>> } }[EngineName];

export const engineNames = Object.keys(engines) as EngineName[];

/** An engine by name, for callers that must not ask which one it is: whatever it is given must be of that engine. */
export function descriptorOf(name: EngineName): EngineDescriptor {
  return engines[name];
}

/** The engine for a kind of RDS server, by RDS's name for it; undefined if there is none. */
export function engineOfRds(called: string): EngineName | undefined {
  return engineNames.find((name) => descriptorOf(name).rds?.test(called));
}

/** The words for an engine's sources and their content; those for databases if the engine is unknown. */
export function wordsOf(engine: string): ContentWords {
  return (Object.hasOwn(engines, engine) ? descriptorOf(engine as EngineName).words : undefined) ?? databaseWords;
}

/** How an engine's servers want rows from elsewhere written. Throws `input-invalid` for an engine that takes none. */
export async function dialectOf(name: string): Promise<RowDialect> {
  const dialect = await (Object.hasOwn(engines, name) ? descriptorOf(name as EngineName).dialect?.() : undefined);
  if (dialect !== undefined) return dialect;
  const known = engineNames.filter((one) => descriptorOf(one).dialect !== undefined);
  throw new BackupError('input-invalid', `rows can't be written for ${name}`, { hint: `for ${known.join(' or ')}` });
}

/**
 * How a restore would judge a backup's content, by the engine that its manifest names: needs no login. Judges nothing
 * if that engine is unknown.
 */
export async function inspection(engine: string): Promise<Inspection> {
  const known = Object.hasOwn(engines, engine) ? descriptorOf(engine as EngineName) : undefined;
  return (await known?.inspection?.()) ?? { inspect: (_, content) => content };
}

/** What writes backups of this engine as one SQL text. Throws `input-invalid` if nothing does. */
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
