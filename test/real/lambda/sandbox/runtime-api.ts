import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';

export type FunctionError = { errorType: string; errorMessage: string; trace: string[] };
export type Answer = { value: unknown } | { error: FunctionError };
export type Order = { requestId: string; deadline: Date; arn: string; event: unknown };

/**
 * The side of Lambda that a runtime talks to (AWS Lambda developer guide, "Using the Lambda runtime API"). Serves one
 * runtime.
 */
export type RuntimeApi = {
  /** `host:port`, for AWS_LAMBDA_RUNTIME_API. */
  address: string;
  /** Settles when the runtime first asks for work, or says that it could not start. */
  ready: Promise<FunctionError | undefined>;
  /** Hands one invocation to the runtime and waits for its answer. */
  invoke(order: Order): Promise<Answer>;
  close(): Promise<void>;
};

const base = '/2018-06-01/runtime/';

/** Starts a Runtime API on a free port of 127.0.0.1. */
export async function startRuntimeApi(): Promise<RuntimeApi> {
  const ready = Promise.withResolvers<FunctionError | undefined>();
  const answers = new Map<string, (answer: Answer) => void>();
  const orders: Order[] = [];
  let waiting: ServerResponse | undefined;

  function hand(): void {
    const order = waiting === undefined ? undefined : orders.shift();
    if (order === undefined) return;
    waiting!.writeHead(200, headersOf(order)).end(JSON.stringify(order.event));
    waiting = undefined;
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [first, id = '', what] = (request.url ?? '').slice(base.length).split('/');
    if (first === 'invocation' && id === 'next') {
      waiting = response;
      ready.resolve(undefined);
      return hand();
    }
    const body: unknown = JSON.parse(await text(request));
    if (first === 'init') ready.resolve(body as FunctionError);
    else answers.get(id)?.(what === 'error' ? { error: body as FunctionError } : { value: body });
    response.writeHead(202).end();
  }

  const server = createServer(
    (request, response) =>
      void take(request, response).catch((error: unknown) => response.writeHead(400).end(String(error))),
  );
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ready: ready.promise,
    invoke(order) {
      const answer = Promise.withResolvers<Answer>();
      answers.set(order.requestId, answer.resolve);
      orders.push(order);
      hand();
      return answer.promise;
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function headersOf({ requestId, deadline, arn }: Order): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Lambda-Runtime-Aws-Request-Id': requestId,
    'Lambda-Runtime-Deadline-Ms': String(deadline.getTime()),
    'Lambda-Runtime-Invoked-Function-Arn': arn,
  };
}
