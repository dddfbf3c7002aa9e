import { createHash, createHmac } from 'node:crypto';
import type { Clock, Notifier } from '../../ports.ts';
import { secretUrl } from '../web/address.ts';
import type { SecretReader } from '../web/address.ts';
import { post, postLimits } from '../web/post.ts';
import type { Answer, PostLimits } from '../web/post.ts';

export type Webhook = { name: string; url: SecretReader; key: SecretReader; clock: Clock };

/** Any web address: the message as JSON, signed, so that the receiver knows who wrote it and when (docs/alerts.md). */
export function webhookNotifier({ name, url, key, clock }: Webhook, limits: PostLimits = postLimits): Notifier {
  return {
    name,
    address: (signal) => secretUrl(name, url, signal),
    async notify(message, signal) {
      const address = await secretUrl(name, url, signal);
      const secret = await key(signal);
      const body = JSON.stringify(message);
      const delivery = createHash('sha256').update(body).digest('hex').slice(0, 32);
      const content = () => ({
        headers: {
          'content-type': 'application/json',
          'nightjar-delivery': delivery,
          ...signature(secret, clock.now(), body),
        },
        body,
      });
      await post({ to: name, url: address, secrets: [secret], content, refused }, signal, limits);
    },
  };
}

/**
 * An HTML answer comes from a web page rather than a receiver, and an answer with `"ok": false` or `"success": false`
 * has not taken the message.
 */
function refused({ text, type }: Answer): string | undefined {
  if (/^(text\/html|application\/xhtml)/i.test(type) || /^\s*<(!doctype|html)/i.test(text))
    return '(a page for people: is it the address of a receiver, or is a login in front of it?)';
  return saysNo(text) ? '(which says no)' : undefined;
}

function saysNo(text: string): boolean {
  try {
    const { ok, success } = (JSON.parse(text) ?? {}) as { ok?: unknown; success?: unknown };
    return ok === false || success === false;
  } catch {
    return false;
  }
}

/** HMAC-SHA256, in hex, of the time in seconds since 1970, a dot, and the body as sent. */
export function signature(
  key: string,
  now: Date,
  body: string,
): { 'nightjar-timestamp': string; 'nightjar-signature': string } {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  return {
    'nightjar-timestamp': timestamp,
    'nightjar-signature': `v1=${createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex')}`,
  };
}
