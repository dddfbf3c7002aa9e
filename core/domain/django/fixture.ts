import { BackupError } from '../errors.ts';
import { elementsOf } from './elements.ts';

/** A JSON value in which every number keeps its written form; `JSON.stringify` gives it back. */
export type Exact = null | boolean | string | RawNumber | readonly Exact[] | { readonly [name: string]: Exact };
type RawNumber = { readonly rawJSON: string };

/** One row of a fixture. `key`: absent if it was dumped with `--natural-primary`. */
export type FixtureRow = { model: string; key: Exact | undefined; fields: Readonly<Record<string, Exact>>; at: number };

/** Functions of the language that TypeScript's types lack so far. */
type ExactJson = {
  parse(text: string, revive: (name: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};
const exactJson = JSON as unknown as ExactJson;

export const isNumber = (value: unknown): value is RawNumber => exactJson.isRawJSON(value);

/** The rows that `dumpdata` has written, one by one. Throws `input-invalid`. */
export async function* fixtureRows(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<FixtureRow> {
  let at = 0;
  for await (const text of elementsOf(bytes)) yield rowOf(text, (at += 1));
}

function rowOf(text: string, at: number): FixtureRow {
  const read = parsed(text, at);
  const { model, pk, fields } = read as { model?: unknown; pk?: Exact; fields?: unknown };
  if (typeof model !== 'string' || !/^[^.]+\.[^.]+$/.test(model) || !isObject(fields))
    throw noRecord(at, 'has no "model" and "fields" as dumpdata writes them');
  return { model: model.toLowerCase(), key: pk ?? undefined, fields, at };
}

function isObject(value: unknown): value is FixtureRow['fields'] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isNumber(value);
}

function parsed(text: string, at: number): object {
  try {
    return exactJson.parse(text, (_, value, { source }) =>
      typeof value === 'number' ? exactJson.rawJSON(source!) : value,
    ) as object;
  } catch (cause) {
    throw noRecord(at, 'is not JSON (NaN and Infinity, which Python writes, are none)', cause);
  }
}

function noRecord(at: number, what: string, cause?: unknown): BackupError {
  return new BackupError('input-invalid', `record ${at} of the fixture ${what}`, {
    hint: 'write it again with "manage.py dumpdata --output fixture.json"',
    cause,
  });
}
