import { request } from 'node:http';
import { pathToFileURL } from 'node:url';

// Runs inside the imitated environment, alone: it may import nothing of the project. Plain JavaScript: each cold start
// would take types away anew, which was a quarter of its processor time.

const {
  AWS_LAMBDA_RUNTIME_API: api,
  _HANDLER: wanted = 'index.handler',
  LAMBDA_TASK_ROOT: task = '/var/task',
} = process.env;
let current = 'init';

for (const [event, type, status] of [
  ['uncaughtException', 'Runtime.UncaughtException', 129],
  ['unhandledRejection', 'Runtime.UnhandledPromiseRejection', 128],
]) {
  process.on(event, (error) => {
    const reported = { ...describe(error), errorType: type };
    void report(reported).finally(() => process.exit(status));
  });
}

const handler = await load().catch(async (error) => {
  await report(describe(error));
  process.exit(1);
});
for (;;) await serve(handler, await next());

async function load() {
  const [file, name = ''] = wanted.split('.');
  const found = (await import(pathToFileURL(`${task}/${file}.mjs`).href))[name];
  if (typeof found !== 'function') throw new Error(`${wanted} is undefined or not exported`);
  return found;
}

async function next() {
  const { headers, body } = await call('GET', 'invocation/next');
  const header = (name) => String(headers[`lambda-runtime-${name}`]);
  return {
    id: header('aws-request-id'),
    deadlineMs: Number(header('deadline-ms')),
    arn: header('invoked-function-arn'),
    event: JSON.parse(body),
  };
}

async function serve(handle, invocation) {
  current = invocation.id;
  try {
    const result = await handle(invocation.event, contextOf(invocation));
    await call('POST', `invocation/${current}/response`, JSON.stringify(result ?? null));
  } catch (error) {
    await report(describe(error));
  }
}

function contextOf({ id, deadlineMs, arn }) {
  return {
    awsRequestId: id,
    invokedFunctionArn: arn,
    functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'],
    functionVersion: process.env['AWS_LAMBDA_FUNCTION_VERSION'],
    memoryLimitInMB: process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    logGroupName: process.env['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStreamName: process.env['AWS_LAMBDA_LOG_STREAM_NAME'],
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
}

/** As the Node runtime of Lambda reports what was thrown: `errorType` is the error's name. */
function describe(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

async function report(error) {
  await call('POST', current === 'init' ? 'init/error' : `invocation/${current}/error`, JSON.stringify(error));
}

function call(method, path, body = '') {
  return new Promise((resolve, reject) => {
    const sent = request(`http://${api}/2018-06-01/runtime/${path}`, { method, agent: false }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
