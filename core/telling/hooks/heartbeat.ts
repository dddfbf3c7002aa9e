import { abortError, BackupError, messageOf } from '../../domain/errors.ts';
import type { Hook } from '../../ports.ts';
import { secretUrl } from '../web/address.ts';
import type { SecretReader } from '../web/address.ts';
import { post, postLimits } from '../web/post.ts';
import type { PostLimits } from '../web/post.ts';

const name = 'heartbeat';

/**
 * An outside service that expects to hear from the check and alarms when it doesn't: calls the address after a good
 * check, and the address with `/fail` after one that could not judge, remember or tell. Works like healthchecks.io.
 * Sends no name of a source, host or vault: only how the check ended.
 */
export function heartbeatHook(url: SecretReader, limits: PostLimits = postLimits): Hook {
  return {
    name,
    wants: ({ verb, source, status }) => verb === 'check' && source === undefined && status !== 'skipped',
    async call({ status, seconds, error }, signal) {
      try {
        const address = new URL(await secretUrl(name, url, signal));
        const base = address.pathname.replace(/\/$/, '');
        if (status === 'failed') address.pathname = `${base}/fail`;
        const ended = `check ${status} after ${seconds} s${error === undefined ? '' : `: ${error.code}`}`;
        const content = () => ({ headers: { 'content-type': 'text/plain; charset=utf-8' }, body: ended });
        await post({ to: name, url: address.href, secrets: [base.slice(1)], content }, signal, limits);
      } catch (cause) {
        if (signal.aborted) throw abortError(signal);
        // no cause: the library's message may quote the address
        throw new BackupError('hook-failed', `the heartbeat was not heard: ${messageOf(cause)}`, {
          hint: 'correct the address where it is kept, then: nightjar check',
        });
      }
    },
  };
}
