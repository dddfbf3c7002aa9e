import { historiesOf, historyOf } from '../../domain/verdict/history.ts';
import type { ListedObject, SourceHistory } from '../../domain/verdict/history.ts';
import { sourceOfSegment, sourceSegment } from '../../domain/layout/places.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Vault } from '../../vault.ts';

/** What a listing shows of one source. */
export async function listSource(vault: Vault, source: SourceName, signal: AbortSignal): Promise<SourceHistory> {
  return historyOf(source, await Array.fromAsync(vault.list(`${sourceSegment(source)}/`, signal)));
}

/**
 * What a listing of the whole vault shows, source by source, so that the whole is never held in memory. S3 and folders
 * list everything of one source together. A store that doesn't is listed again for each source that it split up, and
 * that source is then yielded once more, complete.
 */
export async function* sourcesListed(vault: Vault, signal: AbortSignal): AsyncIterable<SourceHistory> {
  const ended = new Set<string>();
  const torn = new Set<string>();
  let segment = '';
  let together: ListedObject[] = [];
  for await (const found of vault.list('', signal)) {
    const [top = ''] = found.key.split('/');
    if (top !== segment) {
      yield* historyIn(segment, together);
      ended.add(segment);
      [segment, together] = [top, []];
      if (ended.has(top)) torn.add(top);
    }
    together.push(found);
  }
  yield* historyIn(segment, together);
  for (const one of torn) {
    const source = sourceOfSegment(one);
    if (source !== undefined) yield await listSource(vault, source, signal);
  }
}

function* historyIn(segment: string, together: readonly ListedObject[]): Iterable<SourceHistory> {
  const source = sourceOfSegment(segment);
  const history = source === undefined ? undefined : historiesOf(together).get(source);
  if (history !== undefined) yield history;
}
