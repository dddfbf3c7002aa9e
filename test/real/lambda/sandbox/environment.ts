import { randomUUID } from 'node:crypto';

export type FunctionIdentity = {
  name: string;
  memoryMb: number;
  region: string;
  handler: string;
  logStream: string;
  runtimeApi: string;
  taskRoot: string;
};

/**
 * Credentials as the execution role's would come: temporary ones. An S3 server of the tests takes its own, which the
 * caller gives.
 */
const roleCredentials = {
  AWS_ACCESS_KEY_ID: 'moto',
  AWS_SECRET_ACCESS_KEY: 'moto-takes-any',
  AWS_SESSION_TOKEN: 'of-the-execution-role',
};

/**
 * The variables that Lambda defines (AWS Lambda developer guide, "Defined runtime environment variables"). There is no
 * HOME.
 */
export function lambdaEnvironment({
  name,
  memoryMb,
  region,
  handler,
  logStream,
  runtimeApi,
  taskRoot,
}: FunctionIdentity): Record<string, string> {
  return {
    _HANDLER: handler,
    ...roleCredentials,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    LD_LIBRARY_PATH: '/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib',
    NODE_PATH:
      '/opt/nodejs/node24/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task',
  };
}

/** The name of a log stream, as Lambda makes one for each execution environment. */
export function newLogStream(): string {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  return `${day}/[$LATEST]${randomUUID().replaceAll('-', '')}`;
}
