import { BackupError } from '../../../domain/errors.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';
import { digestOf, documentTypes, jsonOf, largestDocument } from '../documents.ts';
import type { DocumentBytes } from '../documents.ts';
import type { BlobName } from '../shelf.ts';
import { askingOf } from './asking.ts';
import type { RegistryDoor, RegistryRequest } from './asking.ts';
import { beginningOf, bodyOf, dismiss } from './exchange.ts';
import type { HttpAnswered } from './exchange.ts';

/** A repository in a registry (OCI distribution-spec 1.1). Every request is retried within limits. */
export type RepositoryClient = {
  /** A document by tag or digest; undefined if there is none. */
  document(reference: string, signal: AbortSignal): Promise<DocumentBytes | undefined>;
  hasBlob(named: BlobName, signal: AbortSignal): Promise<boolean>;
  /** A blob's bytes, unchecked; undefined if it does not exist. Resumes a broken connection where it broke. */
  blob(named: BlobName, signal: AbortSignal): Promise<ByteStream | undefined>;
  /** Sends a blob, which the registry checks by its digest. Throws `restore-failed`. */
  sendBlob(named: BlobName, content: ByteStream, signal: AbortSignal): Promise<void>;
  /** Stores a document under a tag or its digest. Throws `restore-failed`. */
  putDocument(reference: string, document: DocumentBytes, signal: AbortSignal): Promise<void>;
};

const goOnTries = 5;
const shownAnswer = 300;
/** A registry on an object store copies the blob once it is complete. */
const commitMs = 900_000;

export function repositoryClient(door: RegistryDoor, repository: string): RepositoryClient {
  const ask = askingOf(door);
  const place = `${door.url.host}/${repository}`;
  const pull = { scope: `repository:${repository}:pull`, headers: {} };
  const push = { scope: `repository:${repository}:pull,push`, headers: {} };
  const path = (rest: string): string => `/v2/${repository}/${rest}`;

  /** The error for an unexpected answer. */
  async function refusal(
    answer: HttpAnswered,
    what: string,
    code: 'source-unreachable' | 'restore-failed',
    signal: AbortSignal,
  ) {
    const said = wordsOf(await beginningOf(answer, 16_384, signal).catch(() => Buffer.of()));
    const hidden = door.login === undefined ? said : said.replaceAll(door.login.password, '***');
    const words = `${place}: ${what}: the registry answers ${answer.status}${hidden === '' ? '' : `: ${hidden}`}`;
    if (answer.status === 403 || answer.status === 401)
      return new BackupError('privilege-missing', words, {
        hint: code === 'restore-failed' ? 'give the login the right to push there' : 'give the login the right to pull',
      });
    return new BackupError(code, words, {
      hint:
        answer.status === 429
          ? 'it limits how often it is asked: run it again later'
          : 'run it again, or ask who runs the registry',
    });
  }

  async function document(reference: string, signal: AbortSignal): Promise<DocumentBytes | undefined> {
    const headers = { accept: documentTypes.join(', ') };
    const answer = await ask({ ...pull, method: 'GET', path: path(`manifests/${reference}`), headers }, signal);
    if (answer.status === 404) return void dismiss(answer);
    if (answer.status !== 200) throw await refusal(answer, `no manifest of ${reference}`, 'source-unreachable', signal);
    const bytes = await beginningOf(answer, largestDocument, signal);
    if (bytes.length > largestDocument) throw tooLarge(`${place}: the manifest of ${reference}`);
    const told = answer.headers['docker-content-digest'];
    const wanted = reference.startsWith('sha256:') ? reference : told;
    if (typeof wanted === 'string' && wanted.startsWith('sha256:') && wanted !== digestOf(bytes))
      throw new BackupError('dump-cut', `${place}: the manifest of ${reference} has another digest than ${wanted}`, {
        hint: 'run it again; if it stays so, something on the way changes it, or the registry has lost content',
      });
    return { bytes, mediaType: answer.headers['content-type'] ?? '' };
  }

  async function opened(named: BlobName, from: Bytes, signal: AbortSignal): Promise<HttpAnswered | undefined> {
    const headers = from === 0 ? {} : { range: `bytes=${from}-` };
    const answer = await ask({ ...pull, method: 'GET', path: path(`blobs/${named.digest}`), headers }, signal);
    if (answer.status === (from === 0 ? 200 : 206)) return answer;
    // an answer that starts from the beginning can't continue a broken one
    if (answer.status === 404 || answer.status === 200) return void dismiss(answer);
    throw await refusal(answer, `no blob ${named.digest}`, 'source-unreachable', signal);
  }

  async function* goingOn(first: HttpAnswered, named: BlobName, signal: AbortSignal): ByteStream {
    let answer: HttpAnswered | undefined = first;
    let bytes = 0;
    for (let left = goOnTries; answer !== undefined; left -= 1) {
      const broken: unknown[] = [];
      try {
        for await (const chunk of bodyOf(answer, signal)) {
          bytes += chunk.length;
          yield chunk;
        }
      } catch (error) {
        if (signal.aborted) throw error;
        broken.push(error);
      }
      if (broken.length === 0 && bytes >= named.size) return;
      if (left === 0 || bytes >= named.size) throw cutError(place, named, bytes, broken[0]);
      answer = await opened(named, bytes, signal);
    }
    throw cutError(place, named, bytes, undefined);
  }

  async function sendBlob(named: BlobName, content: ByteStream, signal: AbortSignal): Promise<void> {
    const what = `${named.digest} can't be put there`;
    const begun = await ask({ ...push, method: 'POST', path: path('blobs/uploads/') }, signal);
    if (begun.status !== 202) throw await refusal(begun, what, 'restore-failed', signal);
    const headers = { 'content-type': 'application/octet-stream' };
    const send = { ...push, headers, once: true, body: { content, length: named.size } };
    const sent = await ask({ ...send, method: 'PATCH', path: nextPlace(begun) }, signal);
    if (sent.status !== 202 && sent.status !== 204) throw await refusal(sent, what, 'restore-failed', signal);
    const commit = nextPlace(sent);
    commit.searchParams.set('digest', named.digest);
    const nothing = { content: Buffer.of(), length: 0 };
    const done = await ask(
      { ...push, method: 'PUT', path: commit, once: true, body: nothing, answerMs: commitMs },
      signal,
    );
    if (done.status !== 201) throw await refusal(done, what, 'restore-failed', signal);
    dismiss(done);
  }

  /** Where an upload continues, as the registry says. */
  function nextPlace(answer: HttpAnswered): URL {
    dismiss(answer);
    const url = URL.parse(answer.headers.location ?? '', door.url.href);
    const isSafe = url?.protocol === 'https:' || url?.origin === door.url.origin;
    if (answer.headers.location !== undefined && url !== null && isSafe) return url;
    throw new BackupError('restore-failed', `${place} does not say where an upload goes on`, {
      hint: 'is it a registry, and does a proxy before it keep the header Location?',
    });
  }

  return {
    document,
    async hasBlob({ digest }, signal) {
      const answer = await ask({ ...pull, method: 'HEAD', path: path(`blobs/${digest}`) }, signal);
      dismiss(answer);
      if (answer.status === 200 || answer.status === 404) return answer.status === 200;
      throw await refusal(answer, `whether it has ${digest} can't be seen`, 'source-unreachable', signal);
    },
    async blob(named, signal) {
      const first = await opened(named, 0, signal);
      return first && goingOn(first, named, signal);
    },
    sendBlob,
    async putDocument(reference, { bytes, mediaType }, signal) {
      const request: RegistryRequest = {
        ...push,
        method: 'PUT',
        path: path(`manifests/${reference}`),
        headers: { 'content-type': mediaType },
        body: { content: bytes, length: bytes.length },
        answerMs: commitMs,
      };
      const answer = await ask(request, signal);
      if (answer.status !== 201)
        throw await refusal(answer, `${reference} can't be put there`, 'restore-failed', signal);
      dismiss(answer);
    },
  };
}

/** What a registry says about an error (distribution-spec, error codes). */
function wordsOf(body: Buffer): string {
  const errors = jsonOf(body)?.['errors'];
  const [first] = (Array.isArray(errors) ? errors : []) as readonly { code?: unknown; message?: unknown }[];
  const words = first === undefined ? body.toString() : `${String(first.code)}: ${String(first.message)}`;
  return words.replace(/\s+/g, ' ').trim().slice(0, shownAnswer);
}

function tooLarge(what: string): BackupError {
  return new BackupError('source-unsupported', `${what} is larger than ${largestDocument} bytes`, {
    hint: 'no registry has to take one of that size: is this an image?',
  });
}

function cutError(place: string, { digest, size }: BlobName, bytes: Bytes, cause: unknown): BackupError {
  return new BackupError('dump-cut', `${place}: ${digest} breaks off after ${bytes} of ${size} bytes, each time`, {
    hint: 'nothing of it is kept: run it again',
    cause,
  });
}
