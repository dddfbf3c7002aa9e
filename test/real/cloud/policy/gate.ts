import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { forward } from './forward.ts';
import { judge, judgeWithoutConditions, type Call, type Rule, type Verdict } from './policy.ts';
import { refuse } from './refusal.ts';
import { askedBy, type World } from './requests.ts';
import type { Asked, Wire } from './requests-s3.ts';

/** A role as the emulator has it, and every rule of its policies. */
export type Role = { name: string; arn: string; identity: readonly Rule[] };

/** A call of a role and how it was judged. */
export type Judged = { role: string; call: Call; verdict: Verdict };

export type Gate = {
  endpoint: string;
  /** Every call of a known role so far. */
  judged: Judged[];
  /** Where our judge and the emulator, which knows actions and resources alone, are of two minds. */
  disputed: string[];
  /** Requests that are not known here: each is a hole in what is known of permissions. */
  strange: string[];
  /** Makes a role known by the access key that it goes by. */
  know(accessKeyId: string, role: Role): void;
  /** Judges what AWS itself asks in a role's name. */
  ask(role: Role, call: Call): Verdict;
  /** The role that an access key belongs to. */
  roleOf(accessKeyId: string): Role | undefined;
  close(): Promise<void>;
};

export type GateOptions = {
  upstream: string;
  world: World /** The policy of what is called, by its ARN (an object's is its bucket's). */;
  resourcePolicy(arn: string): readonly Rule[];
  /** Whether that lies in another account than the roles. */
  isForeign(arn: string): boolean;
};

/** Bodies that say what is asked for are small; parts of backups are not. */
const largestText = 65_536;
/** Actions that the emulator takes for others, or judges nobody by. */
const mistaken = /^s3:(PutObject(Retention|LegalHold)|GetBucketObjectLockConfiguration)$/;

/**
 * Stands between functions and the emulator: judges each call by the caller's policies with their conditions, refuses
 * as AWS would, and lets the emulator judge too.
 */
export async function startGate({ upstream, world, resourcePolicy, isForeign }: GateOptions): Promise<Gate> {
  const roles = new Map<string, Role>();
  const judged: Judged[] = [];
  const disputed: string[] = [];
  const strange: string[] = [];

  function ask(role: Role, call: Call, { silent = false } = {}): Verdict {
    const verdict = judge(call, {
      identity: role.identity,
      resource: resourcePolicy(call.resource),
      principal: role.arn,
      mustDelegate: call.action.startsWith('kms:'),
      foreign: isForeign(call.resource),
    });
    if (verdict.allowed || !silent) judged.push({ role: role.name, call, verdict });
    return verdict;
  }

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const { accessKey, service } = signerOf(incoming);
    const role = roles.get(accessKey);
    if (role === undefined) return forward(upstream, incoming, body, response);
    const wire = wireOf(incoming, body.length > largestText ? '' : body.toString());
    const refused = (why: string): void => refuse({ service, method: wire.method, why }, response);
    let asked: Asked;
    try {
      asked = askedBy(service, wire, world);
    } catch (error) {
      strange.push(`${role.name}: ${String(error)}`);
      return refused(String(error));
    }
    const {
      needed: [first],
      needed,
      given,
      ifMissing,
    } = asked;
    const denied = needed
      .map((call) => ({ call, verdict: ask(role, call) }))
      .find(({ verdict }) => !verdict.allowed)?.call;
    const why =
      denied && `User: ${role.arn} is not authorized to perform: ${denied.action} on resource: ${denied.resource}`;
    // the emulator knows the action that was asked for, not those that come with it, and no conditions
    if (
      why !== undefined &&
      (denied !== first || mistaken.test(first!.action) || judgeWithoutConditions(first!, role.identity))
    )
      return refused(why);
    const hidden = given.filter(({ call }) => !ask(role, call, { silent: true }).allowed).map(({ headers }) => headers);
    return forward(upstream, incoming, body, response, (status) => {
      if ((status === 403) !== (why !== undefined))
        disputed.push(
          `${role.name} ${first!.action} ${first!.resource}: ${why === undefined ? 'allowed' : 'refused'} here, ` +
            `${status} there`,
        );
      if (why !== undefined) return refused(why);
      if (status === 404 && ifMissing !== undefined && !ask(role, ifMissing, { silent: true }).allowed)
        return refused(
          `User: ${role.arn} is not authorized to perform: s3:ListBucket on resource: ${ifMissing.resource}`,
        );
      return hidden;
    });
  }

  const server = createServer(
    (incoming, response) =>
      void pass(incoming, response).catch((error: unknown) => {
        // one that its sender gives up has asked for nothing
        if (incoming.complete) strange.push(String(error));
        response.destroy();
      }),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    judged,
    disputed,
    strange,
    know: (accessKeyId, role) => void roles.set(accessKeyId, role),
    ask: (role, call) => ask(role, call),
    roleOf: (accessKeyId) => roles.get(accessKeyId),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * Who has signed a request, and for which service (AWS General Reference, Signature Version 4: the credential scope).
 */
function signerOf({ headers }: IncomingMessage): { accessKey: string; service: string } {
  const [, accessKey = '', service = ''] =
    /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  return { accessKey, service };
}

function wireOf({ method = 'GET', url = '/', headers }: IncomingMessage, body: string): Wire {
  const { pathname, searchParams } = new URL(url, 'http://host');
  const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return { method, path: decodeURIComponent(pathname), query: searchParams, headers: flat, body };
}
